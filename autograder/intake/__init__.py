"""From what instructors download to who handed in what, and when.

handins     a hand-in as a platform tells of it: people, time, late mark
found       a file that may be a submission
canvas      file names of Canvas's "Download Submissions"
moodle      folder and file names of Moodle's "Download all submissions"
gradescope  the file submission_metadata.yml of Gradescope's "Export Submissions"
sorting     tells the layouts apart; one submission a student and lab
"""
