"""Run otter's test files on rebuilt answers, without any student code."""
