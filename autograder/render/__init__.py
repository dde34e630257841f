"""How results are shown: pure functions from results to text, one module for each form."""

from autograder.render.feedback import feedback_html
from autograder.render.scores_csv import scores_csv
from autograder.render.terminal import result_table

__all__ = ["feedback_html", "result_table", "scores_csv"]
