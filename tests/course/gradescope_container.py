"""Gradescope's container, rebuilt in a folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Container:
    """A folder like Gradescope's /autograder, and its scripts' variables."""

    base: Path
    variables: tuple[str, ...]

    def setup(self) -> str:
        done = self._run(["bash", str(self.base / "source" / "setup.sh")])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def grade(self, upload: Path, *, wrapped_in: Sequence[str] = ()) -> dict[str, Any]:
        """Run run_autograder on one submitted file and read its result."""
        for folder in ("submission", "results"):
            shutil.rmtree(self.base / folder, ignore_errors=True)
            (self.base / folder).mkdir()
        shutil.copy(upload, self.base / "submission")
        shutil.copy(self.base / "source" / "run_autograder", self.base)
        (self.base / "submission_metadata.json").write_text('{"id": 1}', encoding="utf-8")
        done = self._run([*wrapped_in, str(self.base / "run_autograder")])
        assert done.returncode == 0, done.stdout + done.stderr
        content: dict[str, Any] = json.loads((self.base / "results" / "results.json").read_text(encoding="utf-8"))
        return {**content, "log": done.stdout}

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        clean = ["env", "-i", f"PATH={_PATH}", f"AUTOGRADER_BASE={self.base}", *self.variables]
        return subprocess.run([*clean, *command], cwd=self.base, capture_output=True, text=True, check=False)


def lay_out(base: Path, zip_path: Path) -> None:
    """Unpack the zip into source/, with the executable bits it holds."""
    base.chmod(0o755)  # as /autograder
    with zipfile.ZipFile(zip_path) as archive:
        for info in archive.infolist():
            Path(archive.extract(info, base / "source")).chmod(info.external_attr >> 16)


def like_docker() -> list[str]:
    return ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "tests.attacks.like_docker"]
