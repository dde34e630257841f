"""Files as people really have them; each fault of `tests/fixtures/faults` with its neighbours."""
