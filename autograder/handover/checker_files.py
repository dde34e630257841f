"""The files a checker leaves in a job's folder; read by the grader, which must not import the checker's libraries."""

DESCRIPTION = "description.json"
VERDICTS = "verdicts.jsonl"
