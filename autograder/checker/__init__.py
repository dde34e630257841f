"""Runs otter's test files, public and hidden, on rebuilt answers; no student code ever runs in its process."""
