"""Save the notebook, and prove that a file on disk is this notebook as it is now.

A random mark is shown as output of the running cell, so a file that holds the mark was saved after that, by the front
end this kernel belongs to. Names prove nothing: a notebook may have been renamed while its kernel runs, and a copy may
lie beside it.
"""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import Javascript, display

_PATIENCE = 0.9  # seconds after each way to save; a save takes 0.1 to 0.3
_LAST_PATIENCE = 2.0
_REQUEST_SECONDS = 1.0


@dataclass(frozen=True)
class Saved:
    """A notebook file: where it is, what it holds, when it was saved."""

    path: Path
    content: bytes
    time: float


def read_saved(path: Path) -> Saved | None:
    """Read a notebook file; None where it cannot be read."""
    try:
        return Saved(path, path.read_bytes(), path.stat().st_mtime)
    except OSError:
        return None


def save_and_prove(mark: str, paths: Callable[[], list[Path]], begun: float) -> Saved | None:
    """Trigger the front end's save until a file holds the mark.

    Args:
        mark: the mark, which has been shown as output already.
        paths: gives the files the notebook may be in.
        begun: when the mark was made (seconds since the epoch): older files need not be read.

    Returns:
        The saved file, or None where the front end did not save.
    """
    for trigger, patience in ((_save_active, _PATIENCE), (_press_save, _PATIENCE), (_save_all, _LAST_PATIENCE)):
        trigger()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found = _marked(mark, paths(), begun)
            if found is not None:
                return found
            time.sleep(0.05)
    return _marked(mark, list(_session_paths()), begun)


def _marked(mark: str, paths: list[Path], begun: float) -> Saved | None:
    for path in paths:
        try:
            fresh = path.stat().st_mtime >= begun - 2  # some file systems count in steps of two seconds
        except OSError:
            continue
        saved = read_saved(path) if fresh else None
        if saved is not None and mark.encode() in saved.content and _whole(saved.content):
            return saved
    return None


def _whole(content: bytes) -> bool:
    """Whether the file is complete: it may be read while it is being written."""
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _save_active() -> None:
    _command("docmanager:save")


def _save_all() -> None:
    _command("docmanager:save-all")


def _command(name: str) -> None:
    """Run a command of JupyterLab or Notebook 7 through ipylab.

    ipylab comes with otter; on other hosts nothing happens.
    """
    try:
        import ipylab  # type: ignore[import-untyped]

        ipylab.JupyterFrontEnd().commands.execute(name)
    except Exception:  # noqa: BLE001, S110 - one of several ways; the mark decides
        pass


def _press_save() -> None:
    """Press Ctrl+S in the browser, for servers without ipylab.

    The script does nothing after ten seconds, for example when the saved notebook is opened again.
    """
    until = int((time.time() + 10) * 1000)
    script = (
        f"if (Date.now() < {until}) for (const mac of [false, true]) document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 's', code: 'KeyS', keyCode: 83, ctrlKey: !mac, metaKey: mac, "
        "bubbles: true, cancelable: true}));"
    )
    display(Javascript(script))  # type: ignore[no-untyped-call]


def _session_paths() -> Iterator[Path]:
    """Ask this machine's Jupyter servers which notebook this kernel belongs to.

    This finds a notebook that was moved to another folder while its kernel runs.
    """
    try:
        from ipykernel.connect import get_connection_file
        from jupyter_core.paths import jupyter_runtime_dir

        kernel = Path(get_connection_file()).stem.removeprefix("kernel-")
        descriptions = sorted(Path(jupyter_runtime_dir()).glob("*server-*.json"), key=os.path.getmtime, reverse=True)
    except Exception:  # noqa: BLE001 - not a kernel of a Jupyter server
        return
    for description in descriptions[:5]:
        try:
            server: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
            token = urllib.parse.quote(server.get("token", ""))
            url = f"{server['url']}api/sessions?token={token}"
            with urllib.request.urlopen(url, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - of this machine
                sessions = json.load(answer)
            root = Path(server.get("root_dir") or server.get("notebook_dir") or ".")
            for session in sessions:
                if session.get("kernel", {}).get("id") == kernel:
                    yield root / session["path"]
        except Exception:  # noqa: BLE001, S112 - a server that has ended, or answers otherwise
            continue
