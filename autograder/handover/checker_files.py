"""Files that a checker leaves in a job's folder, read by the grading parent."""

DESCRIPTION = "description.json"
VERDICTS = "verdicts.jsonl"
