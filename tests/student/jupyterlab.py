"""A real JupyterLab, driven in Chromium as a student would use it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.conftest import REPOSITORY

_Given = TypeVar("_Given")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
_START_SECONDS = 60.0
_THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

# The notebook that is open, and what its cells show, as the page's own model has it.
_PANEL = "window.jupyterapp.shell.currentWidget"
_CELLS = f"Array.from({_PANEL}.content.widgets)"


class JupyterLab:
    """A JupyterLab server on a folder, and one browser page in it.

    Playwright wants a thread of its own: its event loop must not be that of other tests.
    """

    def __init__(self, folder: Path, home: Path, executable: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}/lab"
        settings = home / "settings" / "@jupyterlab"
        for name, values in _SETTINGS.items():
            path = settings / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        own = {
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "IPYTHONDIR": str(home / "ipython"),
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
        command += ["--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.expose_app_in_browser=True"]
        command += ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        self._log = (home / "server.log").open("wb")
        self._server = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={folder}"],
            cwd=folder,
            env={**os.environ, **own, **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._thread = ThreadPoolExecutor(1)
        try:
            self._wait_for_server(home / "server.log")
            self._playwright: Playwright = self._thread.submit(lambda: sync_playwright().start()).result()
            self._browser: Browser = self._do(
                lambda: self._playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
            )
            self._page: Page = self._do(lambda: self._browser.new_page(viewport={"width": 1180, "height": 900}))
        except BaseException:
            self._server.kill()
            raise

    def close(self) -> None:
        """End browser, kernels and server."""
        try:
            self._do(self._browser.close)
            self._do(self._playwright.stop)
            self._thread.shutdown()
        finally:
            self._server.terminate()
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._log.close()

    def open(self, name: str) -> None:
        """Open a notebook of the folder and wait for its kernel."""
        self._do(lambda: self._open(name))

    def ask(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page; it may be a promise."""
        return self._do(lambda: self._page.evaluate(f"async () => {{ return ({expression}); }}"))

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands to its end."""
        self.ask(f"(await window.jupyterapp.commands.execute({json.dumps(name)}, {json.dumps(arguments)}), 0)")

    def write(self, cell: str, source: str) -> None:
        """Set the text of a cell, as typing does; the file on disk stays unchanged."""
        self.ask(f"({_cell(cell)}).model.sharedModel.setSource({json.dumps(source)})")

    def type_into(self, cell: str, text: str) -> None:
        """Replace a cell's text from the keyboard."""

        def work() -> None:
            self._page.evaluate(
                f"async () => {{ const panel = {_PANEL}, cell = {_cell(cell)};"
                "panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);"
                "await panel.content.scrollToCell(cell); panel.content.mode = 'edit'; cell.editor.focus(); }"
            )
            self._page.keyboard.press("Control+a")
            self._page.keyboard.insert_text(text)

        self._do(work)

    def run(self, cell: str) -> None:
        """Run one cell, given by its id, and wait for its end."""
        self.ask(
            f"(({_PANEL}).content.activeCellIndex = {_CELLS}.indexOf({_cell(cell)}), "
            f"({_PANEL}).content.deselectAll(), 0)"
        )
        self.command("notebook:run-cell")

    def run_all(self) -> None:
        """Run all cells and wait for the last."""
        self.command("notebook:run-all-cells")

    def outputs(self) -> dict[str, list[dict[str, Any]]]:
        """The outputs of all code cells by the cells' ids, as in the file format."""
        found: dict[str, list[dict[str, Any]]] = self.ask(
            f"Object.fromEntries({_CELLS}.filter((cell) => cell.model.type === 'code')"
            ".map((cell) => [cell.model.id, cell.model.sharedModel.toJSON().outputs]))"
        )
        return found

    def text(self, cell: str) -> str:
        """What a reader sees below a cell."""

        def work() -> str:
            self._show(cell)
            found: str = self._page.evaluate(f"() => ({_cell(cell)}).outputArea.node.innerText")
            return found

        return self._do(work)

    def picture(self, cell: str, path: Path, theme: Literal["light", "dark"] = "light") -> None:
        """Write a PNG of a cell and what it shows."""
        self.command("apputils:change-theme", theme=_THEMES[theme])

        def work() -> None:
            self._show(cell)
            self._page.wait_for_timeout(700)
            index = self._page.evaluate(f"() => {_CELLS}.indexOf({_cell(cell)})")
            self._page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']").screenshot(path=str(path))

        self._do(work)

    def draw(self, cell: str, canvas: str, points: Sequence[tuple[float, float]]) -> None:
        """Draw one stroke with the mouse on a canvas below a cell.

        Points are given as shares of the canvas's sides.
        """

        def work() -> None:
            self._show(cell)
            pad = self._page.locator(canvas)
            pad.scroll_into_view_if_needed()
            box = pad.bounding_box()
            assert box is not None
            places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
            self._page.mouse.move(*places[0])
            self._page.mouse.down()
            for place in places[1:]:
                self._page.mouse.move(*place)
            self._page.mouse.up()

        self._do(work)

    def click(self, target: str) -> None:
        """Click on what a selector finds."""
        self._do(lambda: self._page.locator(target).click())

    def press(self, target: str, *keys: str) -> None:
        """Press keys while what a selector finds has the focus."""

        def work() -> None:
            self._page.locator(target).focus()
            for key in keys:
                self._page.keyboard.press(key)

        self._do(work)

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression holds in the page."""
        self._do(lambda: self._page.wait_for_function(f"() => {condition}", timeout=30_000))

    def screen(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        self._do(lambda: self._page.screenshot(path=str(path)))

    def _do(self, work: Callable[[], _Given]) -> _Given:
        return self._thread.submit(work).result()

    def _open(self, name: str) -> None:
        self._page.goto(f"{self._url}/tree/{name}?reset", wait_until="domcontentloaded")
        self._page.wait_for_function(
            f"() => window.jupyterapp && {_PANEL} && {_PANEL}.context && {_PANEL}.context.isReady "
            f"&& {_PANEL}.context.path === {json.dumps(name)} && {_PANEL}.sessionContext.session "
            f"&& {_PANEL}.sessionContext.session.kernel && {_PANEL}.sessionContext.kernelDisplayStatus === 'idle'",
            timeout=60_000,
        )

    def _show(self, cell: str) -> None:
        self._page.evaluate(
            f"async () => {{ const panel = {_PANEL}; await panel.content.scrollToCell({_cell(cell)}); "
            f"panel.content.activeCellIndex = {_CELLS}.indexOf({_cell(cell)}); }}"
        )
        self._page.wait_for_timeout(200)

    def _wait_for_server(self, log: Path) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._server.poll() is None:
            try:
                with urllib.request.urlopen(f"{self._url}/../api", timeout=1):  # noqa: S310 - of this machine
                    return
            except OSError:
                time.sleep(0.1)
        self._server.kill()
        raise RuntimeError(f"JupyterLab did not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


# No questions about news or file conflicts, and no autosave while a test holds that nothing was saved.
_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}


def _cell(identity: str) -> str:
    return f"{_CELLS}.find((cell) => cell.model.id === {json.dumps(identity)})"


def faults(lab: JupyterLab) -> list[str]:
    """Errors, and everything on standard error, that a student would see."""
    return [
        f"{cell}: {output.get('ename') or output.get('text')}"
        for cell, outputs in lab.outputs().items()
        for output in outputs
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]


def marks(lab: JupyterLab, course: Path) -> tuple[str, float, float]:
    """Status, score and points possible of the newest zip, by `autograder check`."""
    newest = max(lab.folder.glob("*.zip"), key=lambda path: path.stat().st_mtime_ns)
    command = [sys.executable, "-m", "autograder", "check", str(newest), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    return result["status"], result["score"], result["max_score"]


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)
