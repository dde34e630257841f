"""Files as people really have them: the faults in `tests/fixtures/faults`."""
