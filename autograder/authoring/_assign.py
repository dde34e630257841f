"""Child process that runs `otter assign`, by path: it imports nothing of the kit.

A separate process, because otter changes the working directory, prints, and leaves hidden tests in the system's
temporary folder, which is replaced here by a folder that is removed after the build.

Usage: python -P _assign.py FOLDER, where FOLDER/NAME/in/NAME.ipynb are the masters. Writes FOLDER/NAME/out/ and, for a
master that otter rejects, FOLDER/NAME/error.json with the class and text of the error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(folder: Path) -> None:
    # Where JupyterLab is installed, jsonschema would build this parser of IRIs for otter, which takes two seconds.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from otter.assign import main as assign

    for lab in sorted(path for path in folder.iterdir() if (path / "in").is_dir()):
        try:
            assign(str(lab / "in" / f"{lab.name}.ipynb"), str(lab / "out"), no_pdfs=True, no_run_tests=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever otter raises is reported by the parent
            report = {"kind": type(error).__name__, "message": str(error)}
            (lab / "error.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
