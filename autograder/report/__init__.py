"""What an instructor is told about a class: numbers, what needs a look, similar submissions; and its files."""
