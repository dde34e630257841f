"""Command-line interface: commands, options and console output."""
