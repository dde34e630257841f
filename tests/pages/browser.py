"""A real browser and a real validator for the kit's pages."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Playwright, sync_playwright

_Given = TypeVar("_Given")

# The newest that runs on the Node.js of Debian 12.
_VALIDATOR = "html-validate@9.7.1"
_RULES = {
    "root": True,
    "extends": ["html-validate:standard", "html-validate:a11y"],
    # axe-core looks at that better.
    "rules": {"heading-level": "off"},
}
_GRAVE = ("serious", "critical")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


@dataclass(frozen=True)
class View:
    """A view of a page: the window's size in CSS pixels, light or dark."""

    width: int
    height: int
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


DESKTOP, PHONE = (1280, 900), (360, 740)
VIEWS = tuple(View(*size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark"))


@dataclass(frozen=True)
class Seen:
    """What was wrong with a page in one view; of a good page all of it is empty.

    `violations`: axe-core's serious and critical findings. `messages`: what the browser wrote to its console, and
    errors of scripts. `requests`: addresses it asked for, other than the page's own. `overflow`: by how many pixels the
    page is wider than the window, where it is.
    """

    violations: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    overflow: int = 0


class Browser:
    """Chromium in its own thread, since Playwright needs its own event loop."""

    def __init__(self, executable: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._playwright: Playwright = self._thread.submit(lambda: sync_playwright().start()).result()
        self._chromium: Chromium = self._do(
            lambda: self._playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        )

    def close(self) -> None:
        """End it."""
        self._do(self._chromium.close)
        self._do(self._playwright.stop)
        self._thread.shutdown()

    def look(self, path: Path, view: View, *, picture: Path | None = None) -> Seen:
        """Open a page and return its faults; `picture` is a PNG to write of it."""
        return self._do(lambda: self._look(path, view, picture))

    def ask(self, path: Path, script: str, view: View = VIEWS[0]) -> Any:
        """What a JavaScript expression gives in a page."""
        return self._do(lambda: self._ask(path, script, view))

    def _do(self, work: Callable[[], _Given]) -> _Given:
        return self._thread.submit(work).result()

    def _page(self, view: View) -> Page:
        size = {"width": view.width, "height": view.height}
        return self._chromium.new_page(viewport=size, color_scheme=view.scheme)  # type: ignore[arg-type]

    def _look(self, path: Path, view: View, picture: Path | None) -> Seen:
        page = self._page(view)
        messages: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        try:
            page.goto(path.as_uri(), wait_until="load")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if picture is not None:
                page.screenshot(path=str(picture), full_page=True)
            found = Axe().run(page).response["violations"]
        finally:
            page.close()
        foreign = tuple(url for url in requests if url != path.as_uri() and not url.startswith("data:"))
        return Seen(
            tuple(_violation(entry) for entry in found if entry["impact"] in _GRAVE), tuple(messages), foreign, wider
        )

    def _ask(self, path: Path, script: str, view: View) -> Any:
        page = self._page(view)
        try:
            page.goto(path.as_uri(), wait_until="load")
            return page.evaluate(script)
        finally:
            page.close()


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


class Validator:
    """html-validate, installed from npm into the cache the first time.

    Raises:
        RuntimeError: npm is not there or cannot install it.
    """

    def __init__(self) -> None:
        self._home = platformdirs.user_cache_path("mnist-lab-kit") / "tools" / _VALIDATOR
        self._program = self._home / "node_modules" / ".bin" / "html-validate"
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise RuntimeError("npm and Node.js are not installed")
        if self._program.exists():
            return
        self._home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._home.parent) as made:
            new = Path(made, "tool")
            command = [npm, "install", "--prefix", str(new), "--ignore-scripts", "--no-audit", "--no-fund", _VALIDATOR]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"npm cannot install {_VALIDATOR}: {done.stderr.strip()[-500:]}")
            if not self._home.exists():
                new.rename(self._home)

    def errors(self, html: str) -> list[str]:
        """What is wrong with a page, one line each."""
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "page.html")
            page.write_text(html, encoding="utf-8")
            rules = Path(folder, "rules.json")
            rules.write_text(json.dumps(_RULES), encoding="utf-8")
            command = [str(self._program), "--config", str(rules), "--formatter", "json", str(page)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout.strip().startswith("["):
            raise RuntimeError(f"html-validate failed: {done.stderr.strip()[-500:]}")
        return [
            f"line {entry['line']}: {entry['ruleId']}: {entry['message']}"
            for report in json.loads(done.stdout)
            for entry in report["messages"]
        ]


def _violation(entry: dict[str, Any]) -> str:
    places = "; ".join(" ".join(map(str, node["target"])) for node in entry["nodes"][:3])
    reasons = " ".join(entry["nodes"][0].get("failureSummary", "").split())
    return f"{entry['id']} ({entry['impact']}, {len(entry['nodes'])} times): {entry['help']} at {places}: {reasons}"
