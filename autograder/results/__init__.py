"""Records of graded work, their labels, and the results folder."""
