"""Run the command line with `python -m autograder`."""

from autograder.cli.app import main

main(prog_name="autograder")
