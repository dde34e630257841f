"""From findings to marks and statuses: the rules, on small data made by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest

from autograder.grading.marking import Run, mark
from autograder.handover.protocol import TestVerdict, VariableState, Verdict
from autograder.labs.assignment import Assignment, Question, Test
from autograder.notebooks.notebook import read_notebook
from autograder.report.mistakes import common_mistakes, distinct
from autograder.results.labels import reasons
from autograder.results.result import CellError, QuestionResult, Result
from autograder.sandbox import Limits
from tests.fixtures.builders import notebook_json


def question(
    name: str,
    *tests: Test,
    variables: tuple[str, ...] = (),
    stubs: tuple[str, ...] | None = None,
    all_or_nothing: bool = False,
    title: str = "",
    depends_on: tuple[str, ...] = (),
) -> Question:
    gaps = ("\n".join(f"{variable} = ..." for variable in variables) or "...",)
    total = sum(test.points for test in tests)
    return Question(name, total, all_or_nothing, tests, variables, gaps if stubs is None else stubs, title, depends_on)


def takes(*required: str, points: float = 1.0, hidden: bool = False, optional: tuple[str, ...] = ()) -> Test:
    return Test(f"test_{'_'.join(required)}", hidden, points, required, optional)


X = question("q1", takes("x"), takes("x", hidden=True), variables=("x",))
# Compile: no variable of its own, a lone gap.
FIT = question("q2", takes("model", points=2.0), variables=())
Y = question("q3", takes("y"), takes("y", "model"), takes("y", optional=("x",)), variables=("y", "w"))
MODEL = question("q0", takes("model"), variables=("model",))
STUBS = [("q0", "model = ..."), ("q1", "x = ..."), ("q2", "..."), ("q3", "y = ...\nw = ...")]


def lab(*questions: Question) -> Assignment:
    return Assignment("tiny", questions, {}, Limits(), 0, True, "")


def found(passed: str, states: Mapping[str, str] | None = None, /, *, handed_over: bool = True, **more: str) -> Verdict:
    """A verdict; `passed` has one character for each test.

    + passed, - failed, a digit for the tenths of its points that it gives.
    """
    shares = [{"+": 1.0, "-": 0.0}[sign] if sign in "+-" else int(sign) / 10 for sign in passed]
    tests = [
        TestVerdict(str(n), share == 1, share, "" if share == 1 else f"m{n}", "m{number}", {"number": n})
        for n, share in enumerate(shares)
    ]
    variables = {name: state(text) for name, text in {**(states or {}), **more}.items()}
    return Verdict(handed_over, variables, tuple(tests), {})


def state(text: str) -> VariableState:
    """What became of a variable: present, gap, or `unusable: REASON`."""
    kind, _, reason = text.partition(": ")
    return msgspec.convert({"state": kind, "reason": reason}, VariableState)


def ran(
    *cells: str | tuple[str, str], errors: tuple[CellError, ...] = (), last: int | None = None, cut: str | None = None
) -> Run:
    return Run(read_notebook(notebook_json(*cells)), errors, last, cut)


def one(asked: Question, run: Run, verdict: Verdict, *others: Question) -> QuestionResult:
    """The result of one question of a lab, after the lab's other questions."""
    everything = lab(*others, asked)
    blank = {other.name: found("-" * len(other.tests)) for other in others}
    return mark(everything, run, {**blank, asked.name: verdict})[-1]


ANSWERED = ("q1", "x = 3")


@pytest.mark.parametrize(
    ("passed", "status", "score"),
    [("++", "passed", 2.0), ("+-", "partial", 1.0), ("-+", "partial", 1.0), ("--", "failed", 0.0)],
)
def test_marks_are_the_points_of_the_passed_tests(passed: str, status: str, score: float) -> None:
    result = one(X, ran(ANSWERED), found(passed, x="present"))
    assert (result.status, result.score, result.max_score, result.reason) == (status, score, 2.0, "")
    assert [test.passed for test in result.tests] == [sign == "+" for sign in passed]
    assert [test.message for test in result.tests] == ["" if sign == "+" else f"m{n}" for n, sign in enumerate(passed)]
    assert [test.hidden for test in result.tests] == [False, True]
    assert [(test.message_id, test.values) for test in result.tests] == [("m{number}", {"number": n}) for n in (0, 1)]


@pytest.mark.parametrize(("passed", "status", "score"), [("++", "passed", 2.0), ("+-", "failed", 0.0)])
def test_all_or_nothing(passed: str, status: str, score: float) -> None:
    asked = question("q1", takes("x"), takes("x"), variables=("x",), all_or_nothing=True)
    result = one(asked, ran(ANSWERED), found(passed, x="present"))
    assert (result.status, result.score) == (status, score)


@pytest.mark.parametrize(
    ("shares", "status", "score", "scores"),
    [
        ("+5", "partial", 1.5, [1.0, 0.5]),
        ("-3", "partial", 0.3, [0.0, 0.3]),
        ("77", "partial", 1.4, [0.7, 0.7]),
        ("-0", "failed", 0.0, [0.0, 0.0]),
        ("++", "passed", 2.0, [1.0, 1.0]),
    ],
)
def test_a_test_may_give_a_part_of_its_points(shares: str, status: str, score: float, scores: list[float]) -> None:
    result = one(X, ran(ANSWERED), found(shares, x="present"))
    assert (result.status, result.score) == (status, score)
    assert [(test.score, test.max_score) for test in result.tests] == [(earned, 1.0) for earned in scores]
    # Whatever it earns, a test that does not give all of its points has not passed and says why.
    assert [(test.passed, test.message) for test in result.tests] == [
        (sign == "+", "" if sign == "+" else f"m{n}") for n, sign in enumerate(shares)
    ]


@pytest.mark.parametrize(("shares", "score"), [("+9", 0.0), ("99", 0.0), ("++", 2.0)])
def test_all_or_nothing_gives_no_part(shares: str, score: float) -> None:
    asked = question("q1", takes("x"), takes("x"), variables=("x",), all_or_nothing=True)
    result = one(asked, ran(ANSWERED), found(shares, x="present"))
    assert result.score == score == sum(test.score or 0 for test in result.tests)
    assert {test.max_score for test in result.tests} == {1.0}


def test_the_points_of_the_tests_are_reported_where_nothing_is_earned_too() -> None:
    result = one(X, ran(("q1", "x = ...")), found("--", x="stub"))
    assert [(test.score, test.max_score) for test in result.tests] == [(0.0, 1.0), (0.0, 1.0)]


def test_what_a_test_gives_counts_though_something_it_takes_is_missing() -> None:
    result = one(Y, ran(("q3", "y = 1\nw = 2")), found("-4-", y="present", w="present"), MODEL)
    assert (result.status, result.score) == ("partial", 0.4)
    assert result.tests[1].message == "m1"


def test_thirds_add_up_to_the_whole() -> None:
    asked = question("q1", *[takes("x", points=1 / 3)] * 3, variables=("x",))
    assert one(asked, ran(ANSWERED), found("+++", x="present")).status == "passed"
    assert one(asked, ran(ANSWERED), found("+++", x="present")).score == 1.0
    assert one(asked, ran(ANSWERED), found("++-", x="present")).score == pytest.approx(0.666667)
    assert one(asked, ran(ANSWERED), found("5--", x="present")).score == pytest.approx(0.166667)


@pytest.mark.parametrize(
    ("passed", "cell", "status"),
    [("+", "x = 3", "passed"), ("-", "x = 3", "failed"), ("-", "x = ...", "not_attempted")],
)
def test_a_question_without_points_is_judged_by_its_tests(passed: str, cell: str, status: str) -> None:
    asked = question("q1", takes("x", points=0.0), variables=("x",))
    state = "stub" if "..." in cell else "present"
    assert one(asked, ran(("q1", cell)), found(passed, x=state)).status == status


@pytest.mark.parametrize(
    ("cells", "states", "says"),
    [
        ([("q1", "x = ...")], {"x": "stub"}, "has not been filled in"),
        ([("q1", "# my answer\nx = ...  # ?")], {"x": "stub"}, "has not been filled in"),
        (["other = 1"], {}, "deleted or replaced"),
        ([("q1", "x = None or ...")], {"x": "stub"}, "x was still ..."),
        ([("q1", "pass")], {}, "assigns nothing to x"),
        ([("q1", "x = ...")], {"x": "unusable: it is a set"}, "has not been filled in"),
    ],
    ids=["stub", "commented", "deleted", "written_otherwise", "emptied", "set_elsewhere_unusable"],
)
def test_a_gap_is_not_attempted(cells: list[str | tuple[str, str]], states: dict[str, str], says: str) -> None:
    result = one(X, ran(*cells), found("--", states))
    assert (result.status, result.score) == ("not_attempted", 0.0)
    assert says in result.reason


def test_not_attempted_goes_before_skipped() -> None:
    result = one(Y, ran(*STUBS), found("---", y="stub", model="stub"), MODEL)
    assert result.status == "not_attempted"


@pytest.mark.parametrize(("cell", "status"), [("...", "not_attempted"), ("model.compile()", "failed")])
def test_a_lone_gap(cell: str, status: str) -> None:
    assert one(FIT, ran(("q2", cell)), found("-", model="present"), MODEL).status == status


def test_an_answer_given_in_another_cell_counts() -> None:
    result = one(X, ran(("q1", "x = ..."), "x = 3"), found("++", x="present"))
    assert (result.status, result.score) == ("passed", 2.0)
    assert one(X, ran(("q1", "x = ..."), ("q0", "x = 3")), found("+-", x="present")).status == "partial"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("stub", "has not been filled in"),
        (None, "is missing"),
        ("unusable: it is a set", "cannot be used (it is a set)"),
    ],
)
def test_what_builds_on_something_missing_is_skipped_and_says_on_what(state: str | None, words: str) -> None:
    states = {"y": "present", "w": "present"} | ({"model": state} if state else {})
    result = one(Y, ran(("q3", "y = 1\nw = 2")), found("---", states), MODEL)
    assert (result.status, result.score) == ("skipped", 0.0)
    assert result.reason == f"It depends on model (q0), which {words}."
    assert {test.message for test in result.tests} == {result.reason}


def test_a_test_that_could_not_be_made_is_distinguished_when_others_earn_marks() -> None:
    result = one(Y, ran(("q3", "y = 1\nw = 2")), found("+--", y="present", w="present"), MODEL)
    assert (result.status, result.score) == ("partial", 1.0)
    assert [test.message for test in result.tests] == [
        "",
        "Not checked: it depends on model (q0), which is missing.",
        "m2",
    ]


def test_a_wrong_model_skips_nothing() -> None:
    result = one(Y, ran(("q3", "y = 1\nw = 2")), found("---", y="present", w="present", model="present"), MODEL)
    assert result.status == "failed"


def test_given_data_that_is_gone_is_named_without_a_question() -> None:
    asked = question("q1", takes("x", "train_images"), variables=("x",))
    result = one(asked, ran(ANSWERED), found("-", x="present"))
    assert result.reason == "It depends on train_images, which is missing."


def test_an_optional_variable_hinders_nothing() -> None:
    asked = question("q1", takes("x", optional=("history",)), variables=("x",))
    assert one(asked, ran(ANSWERED), found("-", x="present")).status == "failed"


@pytest.mark.parametrize("states", [{}, {"x": "stub"}, {"x": "present"}])
def test_a_cell_that_raised_is_an_error_with_its_words(states: dict[str, str]) -> None:
    run = ran("import this", ("q1", "x = 1 / 0"), errors=(CellError(2, "ZeroDivisionError", "division by zero"),))
    result = one(X, run, found("--", states))
    assert (result.status, result.score) == ("error", 0.0)
    assert result.reason == "Its cell [2] raised ZeroDivisionError: division by zero"


def test_an_error_without_words() -> None:
    run = ran(("q1", "raise KeyboardInterrupt"), errors=(CellError(1, "KeyboardInterrupt", ""),))
    assert one(X, run, found("--")).reason == "Its cell [1] raised KeyboardInterrupt"


def test_an_error_elsewhere_is_not_the_questions() -> None:
    run = ran("1 / 0", ANSWERED, errors=(CellError(1, "ZeroDivisionError", ""),))
    assert one(X, run, found("--", x="present")).status == "failed"


def test_an_error_takes_no_marks() -> None:
    run = ran(("q1", "x = 3\n1 / 0"), errors=(CellError(1, "ZeroDivisionError", ""),))
    assert one(X, run, found("++", x="present")).status == "passed"


def test_a_stub_that_raises_is_not_attempted() -> None:
    run = ran(("q1", "x = ..."), errors=(CellError(1, "KeyboardInterrupt", ""),))
    assert one(X, run, found("--")).status == "not_attempted"


CUT = "it was still running after 5 seconds"


def test_a_notebook_that_was_cut_short() -> None:
    run = ran(
        ("q0", "model = 1"),
        ("q1", "while True: pass\nx = 3"),
        ("q2", "model.compile()"),
        ("q3", "y = ...\nw = ..."),
        last=2,
        cut=CUT,
    )
    results = mark(
        lab(MODEL, X, FIT, Y),
        run,
        {
            "q0": found("+", model="present"),
            "q1": found("--", handed_over=False),
            "q2": found("-", handed_over=False),
            "q3": found("---", handed_over=False),
        },
    )
    assert [result.status for result in results] == ["passed", "error", "skipped", "not_attempted"]
    assert results[0].score == 1.0
    assert results[1].reason == f"Its cell [2] did not finish: {CUT}."
    assert results[2].reason == f"The notebook ended before this question: {CUT}."


def test_what_was_handed_over_before_the_cut_is_judged_as_ever() -> None:
    run = ran(ANSWERED, "while True: pass", last=2, cut=CUT)
    assert one(X, run, found("--", x="present")).status == "failed"
    assert one(X, run, found("+-", x="present")).status == "partial"


def test_an_error_before_the_cut_is_reported_as_the_error() -> None:
    run = ran(("q1", "x = 1 / 0"), "while True: pass", errors=(CellError(1, "ZeroDivisionError", ""),), last=2, cut=CUT)
    result = one(X, run, found("--", handed_over=False))
    assert (result.status, result.reason) == ("error", "Its cell [1] raised ZeroDivisionError")


def test_a_question_no_test_of_which_asks_for_anything() -> None:
    asked = question("q1", Test("t", False, 1.0, (), ()), variables=())
    assert one(asked, ran(("q1", "print(1)")), found("+")).status == "passed"


def test_without_lab_json_there_are_no_stubs_and_values_decide() -> None:
    asked = question("q1", takes("x"), variables=("x",), stubs=())
    assert one(asked, ran("x = ..."), found("-", x="stub")).status == "not_attempted"
    assert one(asked, ran("y = 1"), found("-")).status == "not_attempted"
    assert one(asked, ran("x = 1"), found("-", x="present")).status == "failed"


# A chain: the third depends on the second, the second on the first; no test takes a variable of another question.
FIRST = question("q1", takes("a"), variables=("a",), title="Define the model")
SECOND = question("q2", takes(), variables=(), title="Compile", depends_on=("q1",))
THIRD = question("q3", takes("c"), takes("c"), variables=("c",), depends_on=("q2",))
CHAIN = [("q1", "a = 1"), ("q2", "compile()"), ("q3", "c = 3")]
ALL_STUBS = [("q1", "a = ..."), ("q2", "..."), ("q3", "c = ...")]


def chain(
    cells: list[tuple[str, str]], *shares: str, raised: tuple[int, ...] = (), **states: str
) -> list[QuestionResult]:
    """The results of the chain; `states` are those of the questions' variables."""
    errors = tuple(CellError(number, "NameError", "no such thing") for number in raised)
    verdicts = {
        asked.name: found(styles, {name: state for name, state in states.items() if name in asked.variables})
        for asked, styles in zip((FIRST, SECOND, THIRD), shares, strict=True)
    }
    return list(mark(lab(FIRST, SECOND, THIRD), ran(*cells, errors=errors), verdicts))


def test_a_question_is_skipped_where_the_one_it_names_was_not_attempted() -> None:
    results = chain([ALL_STUBS[0], *CHAIN[1:]], "-", "-", "--", raised=(2, 3), a="stub")
    assert [result.status for result in results] == ["not_attempted", "skipped", "skipped"]
    assert results[1].reason == "It depends on q1 (define the model), which was not attempted."
    assert results[2].reason == (
        "It depends on q2 (compile), which was skipped: it depends on q1 (define the model), which was not attempted."
    )
    assert {test.message for test in results[2].tests} == {results[2].reason}


def test_a_question_is_skipped_where_the_one_it_names_raised_an_error() -> None:
    results = chain(CHAIN, "-", "-", "--", raised=(1, 2), c="present")
    assert [result.status for result in results] == ["error", "skipped", "skipped"]
    assert results[1].reason == "It depends on q1 (define the model), whose cell raised an error."


def test_a_question_is_skipped_where_the_one_it_names_gives_nothing_usable() -> None:
    results = chain(CHAIN, "-", "-", "--", a="unusable: it is a set", c="present")
    assert [result.status for result in results] == ["failed", "skipped", "skipped"]
    assert results[1].reason == "It depends on q1 (define the model), which provides no usable value."


def test_a_wrong_question_skips_nothing_that_names_it() -> None:
    results = chain(CHAIN, "-", "-", "--", a="present", c="present")
    assert [result.status for result in results] == ["failed", "failed", "failed"]


def test_what_raised_but_left_its_answer_skips_nothing() -> None:
    results = chain(CHAIN, "-", "-", "--", raised=(1,), a="present", c="present")
    assert [result.status for result in results] == ["error", "failed", "failed"]


def test_a_part_of_the_points_is_enough_to_build_on() -> None:
    results = chain(CHAIN, "3", "-", "--", raised=(1,), c="present")
    assert [result.status for result in results] == ["partial", "failed", "failed"]


def test_marks_and_gaps_come_before_what_a_question_builds_on() -> None:
    results = chain([*ALL_STUBS[:2], CHAIN[2]], "-", "-", "+-", a="stub", c="present")
    assert [(result.status, result.score) for result in results] == [
        ("not_attempted", 0.0),
        ("not_attempted", 0.0),
        ("partial", 1.0),
    ]
    assert results[2].tests[1].message == "m1"


def test_a_missing_variable_is_reported_before_a_missing_question() -> None:
    asked = question("q3", takes("y", "model"), variables=("y",), depends_on=("q0",))
    result = one(asked, ran(("q3", "y = 1")), found("-", y="present"), MODEL)
    assert result.reason == "It depends on model (q0), which is missing."


def test_messages_come_in_the_language_of_the_notebook() -> None:
    """Message id and values are the same in both languages, for the class report."""
    code = 'grader = _set_up(lab="tiny", version="1", language="zh", packed="")'
    notebook = read_notebook(notebook_json(code, ("q1", "x = 1")))
    assignment = Assignment("tiny", (X,), {}, Limits(), 0, True, "", messages={"zh": {"m{number}": "第 {number} 项"}})
    run = Run(notebook, (), 2, None)
    result = mark(assignment, run, {"q1": found("--", x="present")})[0]
    assert [test.message for test in result.tests] == ["第 0 项", "第 1 项"]
    assert [(test.message_id, test.values) for test in result.tests] == [("m{number}", {"number": n}) for n in (0, 1)]
    english = read_notebook(notebook_json(("q1", "x = 1")))
    result = mark(assignment, Run(english, (), 1, None), {"q1": found("--", x="present")})[0]
    assert [test.message for test in result.tests] == ["m0", "m1"]


def in_chinese(*cells: str | tuple[str, str]) -> Run:
    code = 'grader = _set_up(lab="tiny", version="1", language="zh", packed="")'
    return replace(ran(code, *cells), last_cell=9)


@pytest.mark.parametrize(
    ("asked", "run", "verdict", "english", "chinese"),
    [
        (
            X,
            in_chinese(("q1", "x = ...")),
            found("--", x="stub"),
            "The answer has not been filled in.",
            "答案没有填写。",
        ),
        (
            X,
            in_chinese(("q1", "z = 1")),
            found("--"),
            "Its cell [2] assigns z, but not x: keep the names as they were given.",
            "它的单元格 [2] 给 z 赋了值，却没有给 x 赋值：请保留给定的变量名。",
        ),
        (
            FIT,
            in_chinese(("q2", "model.fit()")),
            found("-", model="unusable: it is damaged"),
            "It depends on model (q0), which cannot be used (it is damaged).",
            "这道题依赖于 model (q0)，而它无法使用（it is damaged）。",
        ),
        (
            X,
            replace(in_chinese(("q1", "x = 1 / 0")), errors=(CellError(2, "ZeroDivisionError", "division by zero"),)),
            found("--"),
            "Its cell [2] raised ZeroDivisionError: division by zero",
            "它的单元格 [2] 报错：ZeroDivisionError: division by zero",
        ),
        (
            X,
            replace(in_chinese(("q1", "x = 1")), cut_short="it was still running after 600 seconds", last_cell=2),
            found("--", handed_over=False),
            "Its cell [2] did not finish: it was still running after 600 seconds.",
            "它的单元格 [2] 没有运行完：笔记本没有运行完就被停止了。",
        ),
    ],
)
def test_reasons_come_in_english_and_in_the_language_of_the_notebook(
    asked: Question, run: Run, verdict: Verdict, english: str, chinese: str
) -> None:
    result = one(asked, run, verdict, *([MODEL] if asked is FIT else []))
    assert (result.reason, result.shown_reason) == (english, chinese)
    assert reasons(result)[0].text == chinese
    assert one(asked, replace(run, notebook=ran(*STUBS).notebook), verdict, MODEL).translated_reason == ""


def test_a_chain_of_reasons_is_in_one_language() -> None:
    cells = in_chinese(("q0", "model = ..."), ("q2", "model.fit()"), ("q3", "y = 1"))
    last = question("q3", takes("y"), variables=("y",), depends_on=("q2",))
    verdicts = {"q0": found("-", model="stub"), "q2": found("-", model="stub"), "q3": found("-")}
    last_result = mark(lab(MODEL, replace(FIT, depends_on=("q0",)), last), cells, verdicts)[-1]
    assert last_result.status in ("skipped", "not_attempted")
    assert not re.findall(r"[a-z]{3,}", last_result.shown_reason.replace("model", "").replace("y", ""))


def test_a_check_that_lacks_an_answer_says_so_in_the_language_of_the_notebook() -> None:
    asked = question("q1", takes("x"), takes("model"), variables=("x",))
    result = one(asked, in_chinese(("q1", "x = 1")), found("+-", x="present"), MODEL)
    assert result.tests[1].message == "未检查：这道题依赖于 model (q0)，而它不存在。"
    assert result.tests[1].english == "Not checked: it depends on model (q0), which is missing."


def test_the_class_report_counts_a_mistake_once_across_languages() -> None:
    """One submission in English and one in Chinese, marked from the same verdict."""
    assignment = Assignment("tiny", (X,), {}, Limits(), 0, True, "", messages={"zh": {"m{number}": "第 {number} 项"}})
    verdicts = {"q1": found("--", x="present")}
    class_ = [
        Result(name, "", "tiny", "full", "graded", None, 0.0, 2.0, 1.0, mark(assignment, run, verdicts))
        for name, run in (("ada", ran(("q1", "x = 1"))), ("chen", in_chinese(("q1", "x = 1"))))
    ]
    assert class_[1].questions[0].tests[0].message == "第 0 项"
    (mistake,) = distinct(common_mistakes(class_, 9))
    assert (mistake.message, mistake.submissions) == ("m0", ("ada", "chen"))
