"""Numbers about a class, against NumPy and against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.report.numbers import by_lab, discrimination, lab_numbers, score_bins
from autograder.results.grade import Lateness, Override
from autograder.results.result import Cost
from tests.fixtures.classes import question, row, rows_of

RANDOM = np.random.default_rng(4).integers(0, 5, size=(40, 7)).astype(float)


def test_discrimination_is_the_correlation_with_the_other_questions() -> None:
    for item in range(RANDOM.shape[1]):
        rest = np.delete(RANDOM, item, axis=1).sum(axis=1)
        expected = np.corrcoef(RANDOM[:, item], rest)[0, 1]
        assert discrimination(RANDOM.tolist(), item) == pytest.approx(expected)


def test_worked_out_by_hand() -> None:
    points = [[1.0, 1.0], [2.0, 1.0], [3.0, 4.0]]
    # Deviations -1, 0, 1 and -1, -1, 2: 3 / sqrt(2 * 6).
    assert discrimination(points, 0) == discrimination(points, 1) == pytest.approx(3 / 12**0.5)


@pytest.mark.parametrize(
    ("points", "item"),
    [
        ([], 0),
        ([[1.0, 2.0], [2.0, 1.0]], 0),
        ([[1.0], [2.0], [3.0]], 0),
        ([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]], 0),
        ([[1.0, 2.0], [2.0, 2.0], [3.0, 2.0]], 0),
        # Rounding alone makes 0.1 + 0.2 differ from 0.3.
        ([[0.0, 0.1, 0.2], [1.0, 0.3, 0.0], [2.0, 0.2, 0.1]], 0),
    ],
    ids=["nobody", "two students", "one question", "all alike", "rest alike", "rest alike but for rounding"],
)
def test_no_discrimination_where_it_says_nothing(points: list[list[float]], item: int) -> None:
    assert discrimination(points, item) is None


def test_a_score_on_an_edge_falls_into_the_range_above_and_full_marks_into_the_last() -> None:
    assert score_bins([0, 9.99, 10, 100 * 2.1 / 3, 69.999999999999, 99, 100]) == (2, 1, 0, 0, 0, 0, 0, 2, 0, 2)


def test_numbers_of_questions_and_of_the_class() -> None:
    numbers = lab_numbers("lab", rows_of([[4, 4], [4, 0], [2, 0], [0, 0]]))
    assert numbers.mean == pytest.approx(43.75)
    assert numbers.median == pytest.approx(37.5)
    assert numbers.deviation == pytest.approx(np.std([100, 50, 25, 0]))
    assert (numbers.full_marks, numbers.submissions, numbers.complete) == (1, 4, 4)
    first, second = numbers.questions
    assert (first.mean, second.mean) == (2.5, 1.0)
    assert first.counts == {"passed": 2, "partial": 1, "failed": 1}
    assert first.discrimination == pytest.approx(np.corrcoef([4, 4, 2, 0], [4, 0, 0, 0])[0, 1])


def test_every_number_is_of_one_lab() -> None:
    rows = [
        row("a", question("q1", 2), lab="one"),
        row("b", question("q1", 0), lab="two"),
        row("c", question("q1", 1), lab="one"),
        row("d", lab=None, status="unreadable"),
    ]
    one, two, none = by_lab(rows)
    assert (one.lab, one.mean, one.questions[0].count) == ("one", 75.0, 2)
    assert (two.lab, two.mean, two.questions[0].count) == ("two", 0.0, 1)
    assert (none.lab, none.mean, none.unreadable, none.questions) == (None, None, 1, ())


def test_what_could_not_be_marked_counts_for_nothing_and_what_was_stopped_counts() -> None:
    fine, stopped = row("a", question("q1", 2)), row("b", question("q1", 0), status="timeout", seconds=60.0)
    lost = row("c", question("q1", 0), status="grader_error")
    numbers = lab_numbers("lab", [fine, stopped, lost])
    assert (numbers.marked, numbers.cut_short, numbers.mean) == (2, 1, 50.0)
    assert numbers.wall is not None
    assert (numbers.wall.median, numbers.wall.longest, numbers.wall.total) == (2.0, 60.0, 64.0)
    assert numbers.cpu is None


def test_processor_time_where_it_was_recorded() -> None:
    rows = [row(name, cost=Cost(seconds, 1.0, 100)) for name, seconds in (("a", 3.0), ("b", 5.0), ("c", 10.0))]
    numbers = lab_numbers("lab", [*rows, row("d")])
    assert numbers.cpu is not None
    assert (numbers.cpu.median, numbers.cpu.longest, numbers.cpu.total) == (5.0, 10.0, 18.0)


def test_corrections_count_in_all_numbers_and_lateness_in_the_scores() -> None:
    corrected = row("a", question("q1", 0), grade={"overrides": {"q1": Override("q1", 2.0, "the check was wrong")}})
    late = row("b", question("q1", 2), grade={"lateness": Lateness(3600.0, 50.0)})
    numbers = lab_numbers("lab", [corrected, late])
    assert numbers.questions[0].mean == 2.0
    assert numbers.mean == 75.0


def test_a_question_that_some_results_lack_leaves_these_out_of_the_correlations() -> None:
    rows = [*rows_of([[4, 4], [2, 0], [0, 2], [1, 1]]), row("old", question("q1", 4, 4))]
    numbers = lab_numbers("lab", rows)
    assert numbers.complete == 4
    assert numbers.questions[0].count == 5
    assert numbers.questions[0].discrimination == discrimination([[4, 4], [2, 0], [0, 2], [1, 1]], 0)
