"""Support files of a lab: data and modules handed out with the notebook.

They are present when it is graded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from autograder.authoring.master import Master
from autograder.errors import MasterError

FOLDER = "files"
_MAX_BYTES = 32 << 20
_HINT = "put the file into solutions/{folder}/{lab}/ or beside the master, or correct `files:`"


def support_files(root: Path, master: Master) -> dict[str, bytes]:
    """Read the support files of a lab, by their path relative to the notebook.

    These are all files in `solutions/files/NAME/`, and those that the assignment configuration names under `files:`,
    which are looked for there and beside the master.

    Raises:
        MasterError: a file is missing or too large, or its path leads out of the folder.
    """
    own = root / "solutions" / FOLDER / master.name
    found = {path.relative_to(own).as_posix(): path for path in sorted(own.rglob("*")) if _is_handed_out(path, own)}
    for name in _named(master):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise _fault(master, f"`files:` names `{name}`: write a path below the folder of the master")
        candidates = [own / path, root / "solutions" / path]
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
        if file is None:
            raise _fault(
                master, f"`files:` names `{name}`, which is not there: {_HINT.format(folder=FOLDER, lab=master.name)}"
            )
        found[path.as_posix()] = file
    files = {name: path.read_bytes() for name, path in found.items()}
    total = sum(map(len, files.values()))
    if total > _MAX_BYTES:
        raise _fault(
            master,
            f"the support files are {total >> 20} MiB together: at most {_MAX_BYTES >> 20} MiB travel with every "
            "submission; let the notebook load large data itself",
        )
    return files


def clashes(by_lab: Mapping[str, Mapping[str, bytes]]) -> dict[str, MasterError]:
    """Return labs that hand out a different file under an earlier lab's file name.

    Students have one folder for all labs.

    Args:
        by_lab: the support files of each lab.
    """
    faults: dict[str, MasterError] = {}
    owners: dict[str, str] = {}
    for lab, files in by_lab.items():
        for name, content in files.items():
            owner = owners.setdefault(name, lab)
            if by_lab[owner][name] != content:
                faults[lab] = MasterError(
                    f"the labs {owner} and {lab} hand out different files named `{name}`, and students find both in "
                    "one folder: rename one of them",
                    file=f"solutions/{FOLDER}/{lab}/{name}",
                )
    return faults


def _named(master: Master) -> list[str]:
    value = master.config.get("files") or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _fault(master, f"`files:` is {value!r}: write a list of paths, such as `files: [data.csv]`")
    return value


def _is_handed_out(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts)


def _fault(master: Master, message: str) -> MasterError:
    return MasterError(message, file=master.file, line=master.config_line)
