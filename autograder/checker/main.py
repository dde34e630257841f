"""Run the tests of every question on the answers that were handed over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from autograder.handover.proxy import LiveCallError, Session, answer_that_raised
from autograder.handover.seeding import seed_everything
from autograder.handover.support import write_support_files
from autograder.util.text import text_of

_MAX_MESSAGE = 2_000


@dataclass(frozen=True)
class _Finding:
    """The outcome of one test.

    Args:
        share: the share of its points, from 0 to 1.
        message: the reason for a share below 1.
        message_id: the template of the message, if the test provides one.
        values: the values of the template.
        defect: what is wrong with the test itself.
        unforeseen: whether it raised an unexpected error.
    """

    share: float
    message: str = ""
    message_id: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    defect: str = ""
    unforeseen: bool = False


def enter(payload: dict[str, Any], folder: Path) -> None:
    """Check one submission.

    Each question is announced before its answers are read, and its verdict is written immediately. If an answer ends
    this process, for example by its size, the grader knows which one, and keeps earlier verdicts.

    Args:
        payload: `input` (the folder to read), `tests` (file name -> source), `explain_hidden` (whether messages of
            hidden tests are written for students), `blank` (whether to judge as if nothing had been handed over),
            `files` (optional; support files of the lab in base64, by path). To test one question while its notebook
            waits: `channel` (descriptors of the channel) and `check` (its number) instead of `input`, and
            `call_seconds` (the time that one call may take).
        folder: the job's folder; receives `verdicts.jsonl` with {"begin": question} and {"question": …, "verdict": …}
            for each question; {"begin": null} stands for reading the hand-over itself, and {"in_step": true} at the end
            means that the channel can be used again.
    """
    write_support_files(payload)
    seed_everything(int(payload.get("seed", 0)))
    savings.install()
    questions = [load_question(source, file) for file, source in payload["tests"].items()]
    with (folder / VERDICTS).open("w", encoding="utf-8", buffering=1) as file:

        def tell(entry: dict[str, Any]) -> None:
            file.write(json.dumps(entry) + "\n")

        tell({"begin": None})
        if "channel" in payload:
            reading, writing = payload["channel"]
            session = Session(reading, writing, payload["check"], LiveLimits(call_seconds=payload["call_seconds"]))
            for question in questions:
                tell({"begin": question.name})
                verdict = _judge_live(question, session, explain_hidden=payload["explain_hidden"])
                tell({"question": question.name, "verdict": verdict})
            tell({"in_step": session.in_step})
            return
        reader = HandoverReader(folder / "nothing" if payload.get("blank") else Path(payload["input"]))
        for question in questions:
            tell({"begin": question.name})
            verdict = _judge(question, reader.values(question.name), explain_hidden=payload["explain_hidden"])
            tell({"question": question.name, "verdict": {**verdict, "handed_over": question.name in reader.questions}})


def _judge_live(question: LoadedQuestion, session: Session, *, explain_hidden: bool) -> dict[str, Any]:
    """Judge a question whose functions are called in the waiting notebook."""
    try:
        values = session.values()
    except LiveCallError as error:
        values = {name: Unusable(str(error).rstrip(".")) for test in question.tests for name in test.required}
    return _judge(question, values, explain_hidden=explain_hidden, session=session)


def _judge(
    question: LoadedQuestion, values: dict[str, Any], *, explain_hidden: bool, session: Session | None = None
) -> dict[str, Any]:
    for name in {name for test in question.tests for name in (*test.required, *test.optional)}:
        module = usual_module(name)
        if module is not None:
            values[name] = module
    return {
        "handed_over": True,
        "variables": {name: _state(value) for name, value in values.items()},
        "tests": [_run(test, values, explain_hidden=explain_hidden, session=session) for test in question.tests],
        "measured": measured_in(question.namespace),
    }


def _state(value: Any) -> dict[str, str]:
    if value is ...:
        return {"state": "stub"}
    if isinstance(value, Unusable):
        return {"state": "unusable", "reason": text_of(value.reason, _MAX_MESSAGE)}
    return {"state": "present"}


def _run(
    test: LoadedTest, values: Mapping[str, Any], *, explain_hidden: bool, session: Session | None
) -> dict[str, Any]:
    if session is None:
        found = _find(test, values, explain_hidden=explain_hidden)
    else:
        session.begin_test()
        found = _find(test, values, explain_hidden=explain_hidden)
        if session.failure is not None:  # whatever the test did with the failure
            found = _Finding(
                0.0, _with_note(test, session.failure), defect=session.defect, unforeseen=bool(session.defect)
            )
    passed = found.share >= 1
    return {
        "name": test.name,
        "passed": passed,
        "share": found.share,
        "message": "" if passed else text_of(found.message, _MAX_MESSAGE),
        "message_id": text_of(found.message_id, _MAX_MESSAGE),
        "values": dict(found.values),
        "defect": text_of(found.defect, _MAX_MESSAGE),
        "unforeseen": found.unforeseen,
    }


def _find(test: LoadedTest, values: Mapping[str, Any], *, explain_hidden: bool) -> _Finding:
    for name in test.required:
        value = values.get(name)
        if isinstance(value, Unusable):
            return _Finding(0.0, f"{name} cannot be used: {value.reason}.")
    usable = {name: None if isinstance(value, Unusable) else value for name, value in values.items()}
    try:
        # As in otter, except that `env` is the notebook's namespace and not the values that this test takes.
        test.case.body.test_func(**{name: usable.get(name) for name in (*test.required, *test.optional)})
    except AssertionError as error:
        shown = explain_hidden or not test.hidden
        template, named = template_of(error) if shown else ("", {})
        return _Finding(
            share_of(error),
            _with_note(test, text_of(error, _MAX_MESSAGE).strip() if shown else ""),
            template,
            named,
            defect=defect_of(getattr(error, "cause", None), test.function),
            unforeseen=isinstance(getattr(error, "cause", None), Exception),
        )
    except LiveCallError:
        return _Finding(0.0)  # the session has the reason
    except BaseException as error:  # noqa: BLE001 - tests may raise anything, and pytest's failures are no Exception
        # For hidden tests, only the type of error is reported: its text may contain the expected value.
        raised = answer_that_raised(error)
        said = "This check could not use the answer" if raised is None else f"{raised} raised {type(error).__name__}"
        if not test.hidden:
            said += f" ({type(error).__name__}: " if raised is None else ": "
            said += text_of(error, _MAX_MESSAGE) + (")" if raised is None else "")
        said += "."
        return _Finding(0.0, _with_note(test, said), defect=defect_of(error, test.function), unforeseen=True)
    return _Finding(1.0)


def _with_note(test: LoadedTest, said: str) -> str:
    note = str(test.case.failure_message or "").strip()
    parts = [part for part in (note, said) if part]
    return " ".join(parts) or ("A hidden check failed." if test.hidden else "The check failed.")
