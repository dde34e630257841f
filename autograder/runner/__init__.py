"""Run student code inside the sandbox; independent of tests and results."""
