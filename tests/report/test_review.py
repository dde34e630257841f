"""Flags for submissions to review: complete, in order, with a reason."""

from __future__ import annotations

import pytest

from autograder.notebooks.notebook import CodeCell
from autograder.report.review import find_flags
from autograder.report.student_code import Starter
from autograder.results.grade import Override, Row
from tests.fixtures.classes import question, row

STARTER = Starter(frozenset({"given = 1"}), frozenset(), {"q1": frozenset({"accuracy"}), "q2": frozenset({"count"})})
TYPED = (CodeCell(1, "accuracy = 0.98\ncount = 3", frozenset({"answer:q1"})),)


def flags(*rows: Row, cells: tuple[CodeCell, ...] = TYPED) -> list[tuple[str, str, str]]:
    found = find_flags(rows, {row.identity: cells for row in rows}, {"lab": STARTER})
    return [(flag.row.identity, flag.kind, flag.text) for flag in found]


def test_the_most_pressing_comes_first() -> None:
    rows = [
        row("twice", retried=True),
        row("typed", question("q1", 2)),
        row("good", measured={"train_accuracy": 0.97, "test_accuracy": 0.99}),
        row("essay", status="unreadable", detail="it is a web page"),
        row("endless", status="timeout", detail="it was still running after 60 seconds"),
        row("big", status="out_of_memory"),
        row("dead", status="crashed"),
        row("fault", status="grader_error", detail="the checker died"),
        row("fine", question("q2", 2), measured={"train_accuracy": 0.99, "test_accuracy": 0.98}),
    ]
    found = flags(*rows)
    assert [(identity, kind) for identity, kind, _ in found] == [
        ("fault", "grader_error"),
        ("endless", "cut_short"),
        ("big", "cut_short"),
        ("dead", "cut_short"),
        ("essay", "unreadable"),
        ("good", "too_good"),
        ("typed", "does_not_fit"),
        ("twice", "retried"),
    ]
    texts = {identity: text for identity, _, text in found}
    assert texts["fault"] == "The checker died"
    assert "still running after 60 seconds" in texts["endless"]
    assert "the memory limit" in texts["big"]
    assert "99.00%" in texts["good"]
    assert "97.00%" in texts["good"]
    assert texts["typed"] == "Points for q1 with a measurement that is typed in, not computed: accuracy = 0.98."


def test_a_submission_may_need_a_look_for_several_reasons() -> None:
    endless = row("a", question("q1", 2), status="timeout", detail="still running", retried=True)
    assert [kind for _, kind, _ in flags(endless)] == ["cut_short", "does_not_fit"]
    ended = row("a", question("q1", 2), retried=True)
    assert [kind for _, kind, _ in flags(ended)] == ["does_not_fit", "retried"]


@pytest.mark.parametrize(
    ("trained", "tested", "told"),
    [
        (0.97, 0.97, True),
        (0.93, 0.95, True),
        (0.988, 1.0, True),
        (0.99, 0.98, False),
        # never trained, one layer, trained on 1000 images: as good on both, by chance a little better on one
        (0.032, 0.034, False),
        (0.923, 0.924, False),
        (0.799, 0.802, False),
    ],
)
def test_only_better_on_test_images_than_chance_allows_is_too_good(trained: float, tested: float, told: bool) -> None:
    measured = {"train_accuracy": trained, "test_accuracy": tested}
    assert [k for _, k, _ in flags(row("a", measured=measured))] == ["too_good"] * told


def test_what_was_not_measured_is_not_too_good() -> None:
    assert flags(row("a", measured={"test_accuracy": 0.99})) == []


def test_points_without_any_code_are_reported_together() -> None:
    (only,) = flags(row("a", question("q1", 2), question("q2", 2)), cells=())
    assert only[2] == "Points for q1, q2, but no cell assigns the answer."


def test_a_part_of_the_points_may_be_for_what_a_question_builds_on() -> None:
    assert flags(row("a", question("q1", 1)), cells=()) == []


def test_no_points_no_suspicion_and_none_after_a_correction() -> None:
    assert flags(row("a", question("q1", 0))) == []
    corrected = {"overrides": {"q1": Override("q1", 2.0, "looked at it")}}
    assert flags(row("a", question("q1", 2), grade=corrected)) == []


def test_without_a_record_of_the_code_nothing_is_suspected() -> None:
    assert find_flags([row("a", question("q1", 2))], {}, {"lab": STARTER}) == ()
