"""Grade one submission, or a class: run, check, mark, store and resume."""
