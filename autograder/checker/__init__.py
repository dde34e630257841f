"""Run otter's test files on rebuilt answers, inside the sandbox; no student code runs here."""
