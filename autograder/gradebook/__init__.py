"""Apply corrections, submission times and lateness to results."""
