"""Grade as stock tools do: student code and tests share one process.

It shows that a forgery works there.

Reads a JSON list of {"cells": [...], "test": source} from its input; prints a JSON list: whether each test passed.
Libraries are loaded once; each submission has a forked process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any


def passes(cells: list[str], test: str) -> bool:
    """Run the cells and otter's own test file on what they leave, here and now."""
    from otter.test_files import ExceptionTestFile

    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        with contextlib.suppress(Exception):
            exec(cell, namespace)  # noqa: S102 - that is what is to be shown
    file = ExceptionTestFile.from_string(test)
    file.run(namespace)
    return bool(file.passed_all)


def main() -> None:
    import keras
    import otter.test_files

    del keras, otter
    answers = []
    for submission in json.load(sys.stdin):
        child = os.fork()
        if child == 0:
            code = 2
            try:
                code = 0 if passes(submission["cells"], submission["test"]) else 1
            finally:
                os._exit(code)
        answers.append(os.waitpid(child, 0)[1] == 0)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
