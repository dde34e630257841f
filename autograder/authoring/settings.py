"""A lab's own settings, `solutions/NAME.toml`: all of them optional.

seed = 1234            # NumPy's and Python's seed for every submission
hand_in = "…"          # where students hand in, as the notebook's last cell and README.md say it

[limits]               # of one submission; the names and defaults of `autograder.sandbox.job.Limits`
seconds = 300          # wall-clock time
cpu_seconds = 1200     # processor time of each process
memory_mb = 4096       # memory of all of its processes together
processes = 256        # processes and threads at once
open_files = 256       # open files of each process
file_mb = 1024         # size of any one file
scratch_mb = 256       # all it writes for itself …
scratch_files = 4096   # … in how many files and folders
output_mb = 1024       # all it hands over
call_seconds = 5       # one call of a test to a function of the notebook

[late]                 # see `autograder.labs.lateness`
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from autograder.authoring.readme import colab_folder
from autograder.errors import MasterError, known_names
from autograder.labs.lateness import LatePolicy, policy_from
from autograder.sandbox.job import Limits

_LIMITS = tuple(entry.name for entry in fields(Limits))
_KEYS = frozenset({"seed", "hand_in"})
_COURSE_KEYS = frozenset({"published", "order"})
_SEED = 1234


@dataclass(frozen=True)
class LabSettings:
    """Limits of one submission, its seed, what late costs, and where it is handed in."""

    limits: Mapping[str, int] = field(default_factory=lambda: {"seconds": 300, "memory_mb": 4096})
    seed: int = _SEED
    late: LatePolicy | None = None
    hand_in: str = ""


@dataclass(frozen=True)
class CourseSettings:
    """Settings of a course.

    `published` is the folder on GitHub from which Colab opens the notebooks, `order` the labs that the page for
    students lists first.
    """

    published: str | None = None
    order: tuple[str, ...] = ()


def read_settings(text: str, *, file: str) -> LabSettings:
    """Read a lab's TOML; what it does not say keeps its default.

    Raises:
        MasterError: no TOML, an unknown key, or a value that is not a positive whole number.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MasterError(f"this is not TOML: {error}", file=file) from error
    limits, late = data.pop("limits", {}), data.pop("late", {})
    for name, table in (("limits", limits), ("late", late)):
        if not isinstance(table, dict):
            raise MasterError(f"`{name}` must be a table: write `[{name}]` on a line of its own", file=file)
    for key in sorted(set(data) - _KEYS):
        advice = "write it below a line `[limits]`" if key in _LIMITS else known_names(key, {*_KEYS, "limits", "late"})
        raise MasterError(f"unknown setting `{key}`: {advice}", file=file)
    for key in sorted(set(limits) - set(_LIMITS)):
        raise MasterError(f"unknown setting `{key}` in [limits]: {known_names(key, _LIMITS)}", file=file)
    default = LabSettings()
    return LabSettings(
        limits={**default.limits, **{name: _whole(limits, name, 1, 1, file) for name in limits}},
        seed=_whole(data, "seed", default.seed, 0, file),
        late=_late(late, file) if late else None,
        hand_in=_text(data, "hand_in", file),
    )


def read_course(root: Path, labs: Collection[str]) -> CourseSettings:
    """Read `solutions/course.toml`, where there is one.

    Args:
        root: the folder of the course.
        labs: the names of its labs.

    Raises:
        MasterError: no TOML, an unknown key or lab, or an address Colab cannot open.
    """
    path, file = root / "solutions" / "course.toml", "solutions/course.toml"
    if not path.is_file():
        return CourseSettings()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MasterError(f"this is not TOML: {error}", file=file) from error
    for key in sorted(set(data) - _COURSE_KEYS):
        raise MasterError(f"unknown setting `{key}`: {known_names(key, _COURSE_KEYS)}", file=file)
    published = _text(data, "published", file)
    if published:
        try:
            colab_folder(published)
        except ValueError as error:
            raise MasterError(f"`published`: {error}", file=file) from None
    order = data.get("order", [])
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise MasterError(f"`order` is {order!r}: it must be a list of names of labs", file=file)
    for name in order:
        if name not in labs:
            raise MasterError(
                f"`order` names the lab `{name}`, which does not exist: {known_names(name, labs)}", file=file
            )
    return CourseSettings(published or None, tuple(order))


def _text(table: Mapping[str, Any], key: str, file: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise MasterError(f"`{key}` is {value!r}: it must be a text", file=file)
    return value.strip()


def _late(table: dict[str, Any], file: str) -> LatePolicy:
    try:
        return policy_from(table)
    except ValueError as error:
        raise MasterError(f"[late]: {error}", file=file) from None


def _whole(table: dict[str, Any], key: str, default: int, least: int, file: str) -> int:
    value = table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MasterError(f"`{key}` is {value!r}: it must be a whole number of at least {least}", file=file)
    return value
