"""Stock otter in its own process: `otter assign` and the grading of `otter run`.

Usage: python -P stock.py FOLDER. FOLDER/NAME/NAME.ipynb are masters, FOLDER/NAME/submissions/WHO.ipynb appear after the
first call, `assign`, and are graded by the second, `grade`. Libraries are loaded once for all of them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any


def assign(folder: Path) -> None:
    from otter.assign import main as otter_assign

    for master in sorted(folder.glob("*/*.ipynb")):
        os.chdir(master.parent)
        otter_assign(str(master), str(master.parent / "dist"), no_pdfs=True, no_run_tests=True)


def grade(folder: Path) -> None:
    from otter.api import grade_submission

    for submission in sorted(folder.glob("*/submissions/*.ipynb")):
        home = submission.parents[1]
        (archive,) = (home / "dist" / "autograder").glob("*.zip")
        os.chdir(home)
        with contextlib.redirect_stdout(io.StringIO()):
            results: Any = grade_submission(str(submission), str(archive), quiet=True)
        scores = {name: round(float(found.score), 6) for name, found in results.results.items()}
        submission.with_suffix(".json").write_text(json.dumps(scores), encoding="utf-8")


if __name__ == "__main__":
    {"assign": assign, "grade": grade}[sys.argv[1]](Path(sys.argv[2]).resolve())
