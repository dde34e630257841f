"""The instruments themselves: what is wrong with a page is seen."""

from __future__ import annotations

from pathlib import Path

from tests.pages.browser import VIEWS, Browser, Validator, View

BAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>bad</title>
<style>p { color: #ccc; background: #fff }
@media (prefers-color-scheme: dark) { p { color: #fff; background: #111 } }</style>
</head><body><main><h1>Bad</h1><p>faint</p><img src="http://127.0.0.1:9/x.png" width="3000" height="9">
<script>nobody()</script></main></body></html>"""


def test_the_browser_sees_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD, encoding="utf-8")
    picture = tmp_path / "bad.png"
    seen = browser.look(page, View(360, 700, "light"), picture=picture)
    assert {"color-contrast", "image-alt"} <= {entry.split(" ")[0] for entry in seen.violations}
    assert any("nobody" in message for message in seen.messages)
    assert seen.requests == ("http://127.0.0.1:9/x.png",)
    assert seen.overflow > 2000
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert browser.ask(page, "document.title") == "bad"


def test_light_and_dark_are_two_views(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD, encoding="utf-8")
    contrast = {view.scheme: "color-contrast" in str(browser.look(page, view).violations) for view in VIEWS[:2]}
    assert contrast == {"light": True, "dark": False}


def test_the_validator_sees_what_is_wrong(validator: Validator) -> None:
    assert any("image-required-attributes" in line or "alt" in line for line in validator.errors(BAD))
    assert any("close-order" in line for line in validator.errors("<!doctype html><p><b>x</p></b>"))
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>x</title></head>'
    good = f"{head}<body><p>x</p></body></html>"
    assert validator.errors(good) == []
