"""How results are shown: pure functions from results to text, one module for each form."""

from autograder.render.feedback import feedback_html
from autograder.render.html import report_html
from autograder.render.scores_csv import scores_csv
from autograder.render.terminal import class_table, print_table, result_table

__all__ = ["class_table", "feedback_html", "print_table", "report_html", "result_table", "scores_csv"]
