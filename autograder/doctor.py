"""What this machine can and cannot do, in a few lines."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import shutil
import sys
from dataclasses import dataclass

import click

from autograder import data
from autograder.errors import DataError, UsageError, WorkerError
from autograder.labs import find_root, missing_builds
from autograder.sandbox.layers import LAYERS
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import Found, probe

_LIBRARIES = ("otter-grader", "tensorflow", "keras", "numpy", "matplotlib", "ipython", "jupytext")
_LEAST_DISK_GB = 4


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and the command that helps where it is not."""

    topic: str
    well: bool
    found: str
    hint: str = ""


def examine() -> int:
    """Print every finding; returns 1 if something the grader cannot do without is amiss."""
    findings = (_python(), _libraries(), _data(), _warm_process(), _memory(), _disk(), _course(), *_isolation())
    for finding in findings:
        mark = click.style("ok     ", fg="green") if finding.well else click.style("missing", fg="red")
        click.echo(f"{mark}  {finding.topic:<14} {finding.found}")
        if not finding.well:
            click.echo(f"{'':25}Try: {finding.hint}")
    return int(not all(finding.well for finding in findings))


def _isolation() -> tuple[Finding, ...]:
    """Every layer of the sandbox, really tried, and the level that they make together."""
    found = probe()
    layers = tuple(
        Finding(f"  {layer.name}", not layer.problem, layer.problem or _presence(layer), LAYERS[layer.name].remedy)
        for layer in found
    )
    level = choose("basic", found).level
    hint = "see the missing layers below; until then: --isolation basic"
    return (Finding("isolation", level == "full", level, hint), *layers)


def _presence(layer: Found) -> str:
    return LAYERS[layer.name].reason if layer.needed else "not needed: this is an ordinary user"


def _python() -> Finding:
    supported = (3, 11) <= sys.version_info < (3, 14)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", supported, found, "install Python 3.11, 3.12 or 3.13 and run make again")


def _libraries() -> Finding:
    versions, missing = [], []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    found = f"not installed: {', '.join(missing)}" if missing else ", ".join(versions)
    return Finding("libraries", not missing, found, "pip install -e .")


def _data() -> Finding:
    try:
        return Finding("MNIST", True, f"verified, {data.npz_path()}")
    except DataError as error:
        return Finding("MNIST", False, str(error), error.hint or "autograder data")


def _warm_process() -> Finding:
    from autograder.sandbox.warm import WarmProcess

    try:
        with WarmProcess(None, "none") as warm:  # isolation is looked at layer by layer
            seconds = warm.wait_until_ready()
    except WorkerError as error:
        return Finding("warm process", False, str(error), "AUTOGRADER_DEBUG=1 autograder doctor")
    return Finding("warm process", True, f"starts in {seconds:.1f} s and can fork")


def _memory() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    unlimited = soft == resource.RLIM_INFINITY or soft > (8 << 30)
    return Finding("address space", unlimited, "unlimited" if unlimited else f"{soft >> 20} MB", "ulimit -v unlimited")


def _disk() -> Finding:
    import tempfile

    free_gb = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    hint = "free some space, or point TMPDIR to a larger disk"
    return Finding("scratch space", free_gb >= _LEAST_DISK_GB, f"{free_gb:.0f} GB free", hint)


def _course() -> Finding:
    try:
        root = find_root()
    except UsageError as error:
        return Finding("course", False, str(error), error.hint or "")
    missing = missing_builds(root)
    found = f"not built: {', '.join(missing)}" if missing else "all labs are built"
    return Finding("course", not missing, found, "autograder build")
