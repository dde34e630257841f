"""From results to the grades that count, and into the files other platforms read.

tables     a CSV file as it came: its separator, line ends and byte order mark are kept
late       what being late costs
times      when submissions were handed in, from a CSV file
overrides  a person's corrections, from a CSV file
record     what is remembered of a run beside its results
kept       that and the corrections as files
counting   results, corrections and times into grades
matching   which submission is whose row
canvas     Canvas's gradebook, filled
moodle     Moodle's grading worksheet, filled; feedback pages as Moodle takes them back
"""
