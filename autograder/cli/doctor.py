"""Checks of the machine for `autograder doctor`."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.cli.console import show, show_json
from autograder.cli.progress import show_waiting
from autograder.datasets import mnist as data
from autograder.errors import DataError, UsageError, WorkerError
from autograder.grading.preload import keras_preload
from autograder.labs.course import find_root, missing_builds
from autograder.sandbox.layers import LAYERS
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import Found, probe
from autograder.util.text import counted

_LIBRARIES = ("otter-grader", "tensorflow", "keras", "numpy", "matplotlib", "ipython", "jupytext")
_LEAST_DISK_GB = 4
_LEAST_ADDRESS_SPACE = 8 << 30


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Args:
        group: heading under which it is shown.
        topic: what was checked.
        well: whether it is all right.
        found: what was found.
        hint: the command or step that helps if it is not.
    """

    group: str
    topic: str
    well: bool
    found: str
    hint: str = ""


def examine(*, as_json: bool = False) -> int:
    """Print every finding; return 1 if something required is missing."""
    with show_waiting("Checking this machine"):
        findings = (_python(), _libraries(), _fork_server(), _memory(), _disk(), _data(), _course(), *_isolation())
    well = all(finding.well for finding in findings)
    if as_json:
        show_json({"schema": 1, "well": well, "findings": [asdict(finding) for finding in findings]})
    else:
        show(findings_view(findings))
    return int(not well)


def findings_view(findings: Sequence[Finding]) -> RenderableType:
    """Render findings by group, with hints for problems and a final line."""
    parts: list[RenderableType] = []
    for group, members in groupby(findings, key=lambda finding: finding.group):
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for finding in members:
            sign = Text("✓ ok", "green") if finding.well else Text("✗ not ok", "bold red")
            found = Text(finding.found, "" if finding.well else "bold")
            if not finding.well and finding.hint:
                found.append(f"\nTry: {finding.hint}", "not bold")
            grid.add_row(sign, Text(finding.topic), found)
        parts += [Text(group, "bold"), Padding(grid, (0, 0, 1, 2))]
    amiss = sum(not finding.well for finding in findings)
    if amiss:
        parts.append(Text(f"✗ {counted(amiss, 'problem')} found; see the hint below each.", "bold red"))
    else:
        parts.append(Text("✓ This machine has everything that the grader needs.", "bold green"))
    return Group(*parts)


def _isolation() -> tuple[Finding, ...]:
    """Try every sandbox layer and determine the resulting level."""
    found = probe()
    layers = tuple(
        Finding("Sandbox", layer.name, not layer.problem, layer.problem or _presence(layer), LAYERS[layer.name].remedy)
        for layer in found
    )
    level = choose("basic", found).level
    hint = "see the layers below; until then: --isolation basic"
    return (Finding("Sandbox", "isolation", level == "full", level, hint), *layers)


def _presence(layer: Found) -> str:
    return LAYERS[layer.name].reason if layer.needed else "not needed for an ordinary user"


def _python() -> Finding:
    supported = (3, 11) <= sys.version_info < (3, 14)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Machine", "Python", supported, found, "install Python 3.11, 3.12 or 3.13 and run make again")


def _libraries() -> Finding:
    versions, missing = [], []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    found = f"not installed: {', '.join(missing)}" if missing else ", ".join(versions)
    return Finding("Machine", "libraries", not missing, found, "pip install -e .")


def _fork_server() -> Finding:
    from autograder.sandbox.client import ForkServer

    try:
        with ForkServer(keras_preload(None), "none") as fork_server:  # isolation is checked layer by layer
            seconds = fork_server.wait_until_ready()
    except WorkerError as error:
        return Finding("Machine", "TensorFlow", False, str(error), "AUTOGRADER_DEBUG=1 autograder doctor")
    return Finding("Machine", "TensorFlow", True, f"starts in {seconds:.1f} s and can be forked")


def _memory() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    unlimited = soft == resource.RLIM_INFINITY or soft > _LEAST_ADDRESS_SPACE
    found = "unlimited" if unlimited else f"{soft >> 20} MiB; TensorFlow needs {_LEAST_ADDRESS_SPACE >> 20} MiB"
    return Finding("Machine", "address space", unlimited, found, "ulimit -v unlimited")


def _disk() -> Finding:
    import tempfile

    folder = tempfile.gettempdir()
    free_gb = shutil.disk_usage(folder).free / 1e9
    hint = "free some space, or set TMPDIR to a folder on a larger disk"
    return Finding("Machine", "scratch space", free_gb >= _LEAST_DISK_GB, f"{free_gb:.0f} GB free in {folder}", hint)


def _data() -> Finding:
    try:
        return Finding("Course", "MNIST", True, f"verified: {data.npz_path()}")
    except DataError as error:
        return Finding("Course", "MNIST", False, str(error), error.hint or "autograder data")


def _course() -> Finding:
    try:
        root = find_root()
    except UsageError as error:
        return Finding("Course", "labs", False, str(error), error.hint or "")
    missing = missing_builds(root)
    found = f"not built: {', '.join(missing)}" if missing else f"all built: {root / 'dist'}"
    return Finding("Course", "labs", not missing, found, "autograder build")
