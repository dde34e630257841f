"""The hand-over: answer variables leave the runner as plain data and are rebuilt, checked, for the tests.

Files in a job's `handover`: `answers.jsonl` (one line per question handed over; the last whole line of a question
counts) and `NNNN.npy` arrays it refers to. Everything in them is a claim by the student's process.
"""
