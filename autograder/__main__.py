from autograder.cli.app import main

main(prog_name="autograder")
