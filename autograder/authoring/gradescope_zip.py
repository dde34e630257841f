"""Pack dist/NAME-gradescope.zip, which can be uploaded to Gradescope directly.

Format: "Autograder Specifications" in Gradescope's documentation.

setup.sh, run_autograder   called by Gradescope
requirements.txt           everything that grading needs, in exact versions with SHA-256
kit/autograder/            this package, without the part that builds
lab/autograder.zip         the lab's otter autograder
lab/solution.ipynb         its solution, for a rehearsal and for reusable trainings
withheld.json              results.json for a grader that does not finish
"""

from __future__ import annotations

from pathlib import Path

from autograder.authoring.package import SCRIPTS
from autograder.platforms.gradescope import withheld_json
from autograder.util.zips import zip_bytes

_PACKAGE = Path(__file__).resolve().parents[1]
_FILES = Path(__file__).with_name("gradescope_files")
_NEVER_NEEDED = frozenset({"authoring", "examples"})


def pack_gradescope(autograder: bytes, solution: bytes, points: float) -> bytes:
    """Return the bytes of the zip, which are reproducible.

    Args:
        autograder: the lab's otter autograder zip.
        solution: its solution notebook.
        points: what there is to earn.
    """
    return zip_bytes(
        {
            **{path.name: path.read_bytes() for path in _FILES.iterdir()},
            **_kit(),
            "lab/autograder.zip": autograder,
            "lab/solution.ipynb": solution,
            "withheld.json": withheld_json("", points).encode(),
        },
        scripts=SCRIPTS,
    )


def _kit() -> dict[str, bytes]:
    files = (path for path in _PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    named = {path.relative_to(_PACKAGE): path for path in files}
    return {
        f"kit/{_PACKAGE.name}/{name.as_posix()}": path.read_bytes()
        for name, path in named.items()
        if name.parts[0] not in _NEVER_NEEDED
    }
