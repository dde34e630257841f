"""Records that describe graded work, their labels, and the results folder."""
