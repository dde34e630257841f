"""Hand-over of answers: encoded in the runner, decoded and validated for tests.

Files in a job's `handover`: `answers.jsonl` (one line per question handed over; the last valid line of a question
counts) and the `NNNN.npy` arrays it refers to. All of it is untrusted.
"""
