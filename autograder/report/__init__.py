"""Class statistics: pure analysis of results and code."""
