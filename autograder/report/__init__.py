"""Statistics of a class: pure analysis of results and code."""
