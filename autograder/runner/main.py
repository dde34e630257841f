"""Run a notebook's code cells in order and hand over the answers."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from autograder.handover.encode import HandoverWriter
from autograder.handover.journal import HANDOVER, Journal
from autograder.handover.live_protocol import ENVIRONMENT, LiveLimits
from autograder.handover.seeding import seed_everything
from autograder.handover.support import write_support_files
from autograder.runner.cpu_meter import Meter
from autograder.runner.error_line import error_line
from autograder.runner.host_stub import install as install_hosts
from autograder.runner.live_server import LiveServer
from autograder.runner.otter_stub import install
from autograder.runner.recorder import Recorder
from autograder.runner.replay.training import FitSettings
from autograder.runner.replay.training import install as install_fits
from autograder.runner.shell import Shell, new_shell, run_cell


def enter(payload: dict[str, Any], folder: Path) -> None:
    """Run one notebook.

    Args:
        payload: `cells` (list of {number, source}), `handover` (question -> names to hand over), `seed` (seed of
            trainings), `trainings` (optional; trainings to reuse, see `runner.replay`), `record` (optional; whether to
            record trainings, for trusted notebooks only), `files` (optional; support files of the lab in base64, by
            path), `channel` (optional; descriptors through which a checker calls objects in this process),
            `call_seconds` (optional; the time that one such call may take).
        folder: the job's folder; receives `journal.jsonl`, `outputs.jsonl`, `handover/` and IPython's `ipython/`.
    """
    write_support_files(payload)
    seed_everything(int(payload.get("seed", 0)))
    handover: dict[str, list[str]] = payload["handover"]
    journal = Journal(folder)
    writer = HandoverWriter(folder / HANDOVER)
    shell = new_shell(folder / "ipython", Recorder(folder))
    sys.path.insert(0, "")  # as in Jupyter, where cells can import files written with %%writefile
    handed_over: set[str] = set()
    live: set[str] = set()
    limits = LiveLimits(call_seconds=float(payload.get("call_seconds", LiveLimits.call_seconds)))
    server = LiveServer(payload["channel"], shell.user_ns, limits) if "channel" in payload else None
    meter = Meter()

    def hand_over(question: str) -> None:
        # As in stock otter, a question's answers are those at the time of its last check.
        with meter.grader():
            plain = writer.hand_over(question, handover[question], shell.user_ns)
            if not plain or ENVIRONMENT in handover[question]:
                live.add(question)
            if server is not None and question in live:
                server.serve(question, handover[question])
        handed_over.add(question)

    install(list(handover), hand_over)
    if "keras" in sys.modules:  # a lab without Keras does not wait for its import
        install_hosts()
    install_fits(
        FitSettings(
            seed=int(payload.get("seed", 0)),
            trainings=payload.get("trainings", {}),
            keep=writer.keep_training if payload.get("record") else None,
            tell=journal.fit,
            own_work=meter.grader,
        )
    )
    for cell in payload["cells"]:
        _run(shell, cell["number"], cell["source"], journal, meter)
    for question in handover:
        if question not in handed_over:
            hand_over(question)
    journal.finish(meter.notebook_seconds)


def _run(shell: Shell, number: int, source: str, journal: Journal, meter: Meter) -> None:
    """Run a cell and record its outputs and its outcome."""
    journal.begin(number)
    start = time.monotonic()
    with meter.cell():
        shell.recorder.begin(number)
        error = run_cell(shell, source)
        shell.recorder.end()
    line = None if error is None else error_line(error, source)
    journal.end(number, time.monotonic() - start, error, line)
