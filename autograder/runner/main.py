"""Run a notebook's code cells in order and hand over the answers."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from autograder.handover.encode import HandoverWriter
from autograder.handover.journal import HANDOVER, Journal
from autograder.handover.live_protocol import ENVIRONMENT, LiveLimits
from autograder.handover.protocol import RunPayload, from_payload
from autograder.handover.seeding import seed_everything
from autograder.handover.support import write_files
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
        payload: a `RunPayload` as JSON data.
        folder: the job's folder; receives `journal.jsonl`, `outputs.jsonl`, `handover/` and IPython's `ipython/`.
    """
    job = from_payload(payload, RunPayload)
    write_files(job.beside)
    write_files(job.files)
    seed_everything(job.seed)
    journal = Journal(folder)
    writer = HandoverWriter(folder / HANDOVER)
    shell = new_shell(folder / "ipython", Recorder(folder))
    handed_over: set[str] = set()
    live: set[str] = set()
    limits = LiveLimits(call_seconds=job.call_seconds)
    server = None if job.channel is None else LiveServer(job.channel, shell.user_ns, limits)
    meter = Meter()

    def hand_over(question: str) -> None:
        # As in stock otter, a question's answers are those at the time of its last check.
        with meter.grader():
            plain = writer.hand_over(question, job.handover[question], shell.user_ns)
            if not plain or ENVIRONMENT in job.handover[question]:
                live.add(question)
            if server is not None and question in live:
                server.serve(question, job.handover[question])
        handed_over.add(question)

    install(list(job.handover), hand_over)
    install_hosts()
    if "keras" in sys.modules:  # a lab without Keras does not wait for its import
        install_fits(
            FitSettings(
                seed=job.seed,
                trainings=job.trainings,
                keep=writer.keep_training if job.record else None,
                tell=journal.fit,
                own_work=meter.grader,
            )
        )
    # As in Jupyter, where cells can import modules beside the notebook. Not before: the grader's own must be imported.
    sys.path.insert(0, "")
    for cell in job.cells:
        _run(shell, cell.number, cell.source, journal, meter)
    for question in job.handover:
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
