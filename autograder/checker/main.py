"""Run the tests of every question on the answers that were handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.checker import cache as savings
from autograder.checker.defects import defect_of
from autograder.checker.partial_credit import measured_in, share_of, template_of
from autograder.checker.test_files import LoadedQuestion, LoadedTest, load_question
from autograder.handover.checker_files import VERDICTS
from autograder.handover.decode import HandoverReader, Unusable
from autograder.handover.live_protocol import LiveLimits
from autograder.handover.modules import usual_module
from autograder.handover.protocol import (
    CheckerLine,
    CheckPayload,
    TestVerdict,
    VariableState,
    Verdict,
    encode,
    from_payload,
)
from autograder.handover.proxy import LiveCallError, Session, answer_that_raised
from autograder.handover.seeding import seed_everything
from autograder.handover.support import write_support_files
from autograder.results.result import (
    ANSWER_UNUSABLE,
    CHECK_FAILED,
    HIDDEN_CHECK_FAILED,
    NOT_EXPECTED,
    RESULT_UNUSABLE,
    Value,
)
from autograder.util.text import text_of

_MAX_MESSAGE = 2_000


def enter(payload: dict[str, Any], folder: Path) -> None:
    """Check one submission.

    Each question is announced before its answers are read, and its verdict is written immediately. If an answer ends
    this process, for example by its size, the grader knows which one, and keeps earlier verdicts.

    Args:
        payload: a `CheckPayload` as JSON data.
        folder: the job's folder; receives `verdicts.jsonl`, whose lines are `CheckerLine`s.
    """
    job = from_payload(payload, CheckPayload)
    write_support_files(job.files)
    seed_everything(job.seed)
    savings.install()
    questions = [load_question(source, file) for file, source in job.tests.items()]
    with (folder / VERDICTS).open("wb", buffering=0) as file:

        def tell(line: CheckerLine) -> None:
            file.write(encode(line) + b"\n")

        tell(CheckerLine(begin=None))
        if job.channel is not None:
            session = Session(*job.channel, job.check, LiveLimits(call_seconds=job.call_seconds))
            for question in questions:
                tell(CheckerLine(begin=question.name))
                verdict = _judge_live(question, session, explain_hidden=job.explain_hidden)
                tell(CheckerLine(question=question.name, verdict=verdict))
            tell(CheckerLine(in_step=session.in_step))
            return
        reader = HandoverReader(folder / "nothing" if job.blank else Path(job.input))
        for question in questions:
            tell(CheckerLine(begin=question.name))
            verdict = _judge(question, reader.values(question.name), explain_hidden=job.explain_hidden)
            verdict = replace(verdict, handed_over=question.name in reader.questions)
            tell(CheckerLine(question=question.name, verdict=verdict))


def _judge_live(question: LoadedQuestion, session: Session, *, explain_hidden: bool) -> Verdict:
    """Judge a question whose functions are called in the waiting notebook."""
    try:
        values = session.values()
    except LiveCallError as error:
        values = {name: Unusable(str(error).rstrip(".")) for test in question.tests for name in test.required}
    return _judge(question, values, explain_hidden=explain_hidden, session=session)


def _judge(
    question: LoadedQuestion, values: dict[str, Any], *, explain_hidden: bool, session: Session | None = None
) -> Verdict:
    for name in {name for test in question.tests for name in (*test.required, *test.optional)}:
        module = usual_module(name)
        if module is not None:
            values[name] = module
    return Verdict(
        handed_over=True,
        variables={name: _state(value) for name, value in values.items()},
        tests=tuple(_run(test, values, explain_hidden=explain_hidden, session=session) for test in question.tests),
        measured=measured_in(question.namespace),
    )


def _state(value: Any) -> VariableState:
    if value is ...:
        return VariableState("stub")
    if isinstance(value, Unusable):
        return VariableState("unusable", text_of(value.reason, _MAX_MESSAGE))
    return VariableState("present")


def _run(test: LoadedTest, values: Mapping[str, Any], *, explain_hidden: bool, session: Session | None) -> TestVerdict:
    if session is None:
        found = _find(test, values, explain_hidden=explain_hidden)
    else:
        session.begin_test()
        found = _find(test, values, explain_hidden=explain_hidden)
        if session.failure is not None:  # whatever the test did with the failure
            found = _failed(
                test,
                session.failure,
                message_id=RESULT_UNUSABLE if session.unusable else "",
                values=session.unusable,
                defect=session.defect,
                unforeseen=bool(session.defect),
            )
    return found


def _find(test: LoadedTest, values: Mapping[str, Any], *, explain_hidden: bool) -> TestVerdict:
    for name in test.required:
        value = values.get(name)
        if isinstance(value, Unusable):
            named = {"name": name, "reason": text_of(value.reason, _MAX_MESSAGE)}
            return _failed(test, ANSWER_UNUSABLE.format(**named), message_id=ANSWER_UNUSABLE, values=named, note=False)
    usable = {name: None if isinstance(value, Unusable) else value for name, value in values.items()}
    try:
        # As in otter, except that `env` is the notebook's namespace and not the values that this test takes.
        test.case.body.test_func(**{name: usable.get(name) for name in (*test.required, *test.optional)})
    except AssertionError as error:
        shown = explain_hidden or not test.hidden
        template, named = template_of(error) if shown else ("", {})
        return _failed(
            test,
            text_of(error, _MAX_MESSAGE).strip() if shown else "",
            share=share_of(error),
            message_id=text_of(template, _MAX_MESSAGE),
            values=named,
            defect=defect_of(getattr(error, "cause", None), test.function),
            unforeseen=isinstance(getattr(error, "cause", None), Exception),
        )
    except LiveCallError:
        return _failed(test, "")  # the session has the reason
    except BaseException as error:  # noqa: BLE001 - tests may raise anything, and pytest's failures are no Exception
        # For hidden tests, only the type of error is reported: its text may contain the expected value.
        raised = answer_that_raised(error)
        name, text = type(error).__name__, "" if test.hidden else f": {text_of(error, _MAX_MESSAGE)}"
        defect = defect_of(error, test.function)
        if raised is not None:
            return _failed(test, f"{raised} raised {name}{text}.", defect=defect, unforeseen=True)
        named = {"reason": f"{name}{text}"}
        said = "This check could not use the answer." if test.hidden else NOT_EXPECTED.format(**named)
        return _failed(test, said, message_id=NOT_EXPECTED, values=named, defect=defect, unforeseen=True)
    return TestVerdict(test.name, passed=True, share=1.0)


def _failed(
    test: LoadedTest,
    said: str,
    *,
    share: float = 0.0,
    message_id: str = "",
    values: Mapping[str, Value] | None = None,
    defect: str = "",
    unforeseen: bool = False,
    note: bool = True,
) -> TestVerdict:
    """Return the verdict of a test that did not give all points.

    Its author's failure note comes first.
    """
    parts = [str(test.case.failure_message or "").strip() if note else "", said]
    message = " ".join(part for part in parts if part)
    if not message:
        message = message_id = HIDDEN_CHECK_FAILED if test.hidden else CHECK_FAILED
    return TestVerdict(
        name=test.name,
        passed=share >= 1,
        share=share,
        message="" if share >= 1 else text_of(message, _MAX_MESSAGE),
        message_id=message_id,
        values=values or {},
        defect=text_of(defect, _MAX_MESSAGE),
        unforeseen=unforeseen,
    )
