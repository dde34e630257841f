"""The command-line interface: commands, options and console output."""
