"""Outputs of cells: in order, as Jupyter shows them, within the budgets."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from autograder.handover.outputs import CELL_BUDGET, LEFT_OUT, NOTE, OUTPUTS, Output, read_outputs
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import Ran, run_cells

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def shown(ran: Ran, cell: int = 1) -> list[Any]:
    """A cell's outputs in short: a stream as (name, text), else the data."""
    outputs = read_outputs(ran.folder).get(cell, ())
    return [(out["name"], out["text"]) if out["output_type"] == "stream" else out["data"] for out in outputs]


@pytest.fixture(scope="module")
def cells(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What each cell of one notebook of things that notebooks show has shown."""
    ran = run_cells(fork_server, tmp_path_factory.mktemp("shown"), *SHOWING.values())
    assert ran.run_log.finished
    assert not ran.raised
    return {name: shown(ran, number) for number, name in enumerate(SHOWING, start=1)}


SHOWING = {
    "order": "import sys\nprint('a')\nprint('b', file=sys.stderr)\ndisplay({'c': 1})\nprint('d', end='')\n'last'",
    "result": "[1, 2]",
    "hushed": "[1, 2];",
    "nothing": "x = 1",
    "bytes": "sys.stdout.buffer.write('naïve\\n'.encode())\nsys.stdout.flush()",
    "descriptor": "import os\nos.write(1, b'raw'); print('after')",
    "program": "!echo from a program",
    "captured": "%%capture kept\nprint('kept'); display(1)",
    "let_go": "kept.show()",
    "progress": "for i in range(3000): print(f'\\r{i}/3000 [' + '=' * (i // 100) + ']', end='')\nprint()",
    "backspaces": "print('epoch 1' + '\\b' * 7 + 'EPOCH 2')",
    "colours": "print('\\x1b[1;31mred\\x1b[0m \\x1b]0;title\\x07plain\\x1b[K')",
    "html": "from IPython.display import HTML, Math, Javascript\ndisplay(HTML('<b>x</b>'), Math('x^2'))",
    "script": "display(Javascript('alert(1)'))",
    "cleared": "from IPython.display import clear_output\nprint('old')\nclear_output(wait=True)\nprint('new')",
    "updated": "h = display('before', display_id=True)\nprint('between')\nh.update('after')",
    "open_figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')",
    "two_figures": "for i in range(2):\n    plt.figure(figsize=(2, 1)); plt.plot([i, 1]); plt.show(); print(i)",
    "figure_object": "fig, ax = plt.subplots(figsize=(2, 1)); ax.plot([1]); plt.close(fig)\nfig",
    "as_svg": "%config InlineBackend.figure_formats = ['svg']",
    "still_png": "plt.plot([1]); plt.show()",
    "sharp": "plt.figure(figsize=(2, 1), dpi=1000); plt.plot([1]); plt.show()",
    "laid_out": "fig, ax = plt.subplots(figsize=(2, 1), layout='constrained'); ax.plot([1]); plt.show()",
    "tight": "fig, ax = plt.subplots(figsize=(2, 1)); ax.plot([1]); fig.tight_layout(); plt.show()",
    "closed": "sys.stdout.close()",
    "after_closed": "print('again')",
    "child": "import multiprocessing\nif os.fork() == 0:\n    print('child'); os._exit(0)\nos.wait(); print('parent')",
    "stand_in": "import otter\notter.Notebook().check('q1')",
    "rude": "class Rude:\n    def __repr__(self): raise ValueError\nRude()",
}


def test_outputs_come_in_their_order(cells: dict[str, list[Any]]) -> None:
    plain = {"text/plain": "{'c': 1}"}, {"text/plain": "'last'"}
    assert cells["order"] == [("stdout", "a\n"), ("stderr", "b\n"), plain[0], ("stdout", "d"), plain[1]]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("result", [{"text/plain": "[1, 2]"}]),
        ("hushed", []),
        ("nothing", []),
        ("bytes", [("stdout", "naïve\n")]),
        ("descriptor", [("stdout", "after\n")]),
        ("program", []),
        ("captured", []),
        ("let_go", [("stdout", "kept\n"), {"text/plain": "1"}]),
        ("progress", [("stdout", f"2999/3000 [{'=' * 29}]\n")]),
        ("backspaces", [("stdout", "EPOCH 2\n")]),
        ("colours", [("stdout", "red plain\n")]),
        ("script", [{"text/plain": "<IPython.core.display.Javascript object>"}]),
        ("cleared", [("stdout", "new\n")]),
        ("updated", [{"text/plain": "'after'"}, ("stdout", "between\n")]),
        ("after_closed", [("stdout", "again\n")]),
        ("child", [("stdout", "parent\n")]),
        ("stand_in", [{"text/plain": "q1: handed over"}]),
        ("rude", []),
    ],
)
def test_cells_show_what_jupyter_would(cells: dict[str, list[Any]], cell: str, expected: list[Any]) -> None:
    assert cells[cell] == expected


def test_rich_displays_keep_their_forms(cells: dict[str, list[Any]]) -> None:
    html, math = cells["html"]
    assert html["text/html"] == "<b>x</b>"
    assert math["text/latex"] == "$\\displaystyle x^2$"


def test_figures_are_pictures_in_their_place(cells: dict[str, list[Any]]) -> None:
    printed, drawn = cells["open_figure"]
    assert (printed, sorted(drawn)) == (("stdout", "drawn\n"), ["image/png", "text/plain"])
    kinds = ["picture" if isinstance(out, dict) else out[1] for out in cells["two_figures"]]
    assert kinds == ["picture", "0\n", "picture", "1\n"]
    for cell in ("two_figures", "figure_object", "still_png", "sharp", "laid_out", "tight"):
        data = base64.b64decode(next(out for out in cells[cell] if isinstance(out, dict))["image/png"])
        assert data.startswith(b"\x89PNG"), cell
        assert int.from_bytes(data[16:20], "big") < 700, cell


def test_a_flood_is_cut_and_costs_little(fork_server: ForkServer, tmp_path: Path) -> None:
    flood = (
        "import time\nbegin = time.process_time()\nfor _ in range(200_000): print('x' * 500)\n"
        "answer = time.process_time() - begin"
    )
    pictures = (
        "import matplotlib.pyplot as plt\nbegin = time.process_time()\n"
        "for _ in range(3000): display(1)\n"
        "for _ in range(100): display({'image/png': 'A' * 1_000_000}, raw=True)\n"
        "figure = plt.figure(); plt.plot([1])\nfor _ in range(2000): display(figure)\n"
        "print('end'); answer += time.process_time() - begin"
    )
    long_line = "import sys\nfor _ in range(30_000): sys.stdout.write('\\r' + 'y' * 100)\nprint('z' * 50_000_000)"
    ran = run_cells(fork_server, tmp_path, flood, pictures, long_line, "print('still here')", limits=Limits(60, 4096))
    assert ran.run_log.finished
    assert not ran.raised
    assert ran.value("answer") < 8
    assert (tmp_path / OUTPUTS).stat().st_size < 8_000_000
    outputs = read_outputs(tmp_path)
    assert len(outputs[1][0]["text"]) == CELL_BUDGET.text
    assert (outputs[1][-1]["data"], outputs[1][-1]["metadata"]) == ({"text/plain": LEFT_OUT}, {NOTE: "left_out"})
    assert len(outputs[2]) <= CELL_BUDGET.outputs + 1
    assert len(outputs[3][0]["text"]) == CELL_BUDGET.text
    assert outputs[4] == ({"output_type": "stream", "name": "stdout", "text": "still here\n"},)


def test_a_killed_notebook_keeps_what_it_had_shown(fork_server: ForkServer, tmp_path: Path) -> None:
    endless = "import time\nprint('begun')\nfor step in range(10**9): print(step); time.sleep(0.1)"
    ran = run_cells(fork_server, tmp_path, "print('one')", endless, limits=Limits(seconds=3, memory_mb=4096))
    assert ran.outcome.end == "timeout"
    assert shown(ran, 1) == [("stdout", "one\n")]
    assert shown(ran, 2)[0][1].startswith("begun\n0\n1\n")


ODD = "class Odd(SyntaxError):\n    __traceback__ = property(lambda self: 1 / 0)\n    filename = 7\nraise Odd"
LINES: dict[str, int | None] = {
    "x = 1\n\ny = x +\n": 3,
    "\n\nx = 1\n1 / 0": 4,
    "def f():\n    return 1 / 0\n\nf()": 4,
    "%%time\nx = 1\n1 / 0": 3,
    "%time 1 / 0": 1,
    "raise KeyboardInterrupt": 1,
    "import json\njson.loads('{')": 2,
    "exec('1 / 0')": 1,
    "%no_such_magic": 1,
    "await undefined": 1,
    "x = 1\nraise f": 2,
    ODD: None,
}


def test_the_line_that_raised_is_reported(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, *LINES)
    assert ran.run_log.finished
    assert {list(LINES)[error.cell - 1]: error.line for error in ran.run_log.errors} == LINES


def entry(**content: Any) -> str:
    return json.dumps({"cell": 1, **content})


def stream(text: object = "ok", name: object = "stdout", **more: Any) -> str:
    return entry(output={"output_type": "stream", "name": name, "text": text}, **more)


def data(**given: Any) -> str:
    return entry(output={"output_type": "display_data", "data": {k.replace("_", "/"): v for k, v in given.items()}})


OK: Output = {"output_type": "stream", "name": "stdout", "text": "ok"}


@pytest.mark.parametrize(
    "forged",
    [
        "no json",
        "[" * 100_000,
        "[1]",
        "3",
        entry(),
        entry(output=[1]),
        entry(output={"output_type": "error", "ename": "x", "evalue": "y", "traceback": []}),
        stream(text=7),
        stream(text=["a"]),
        stream(text=""),
        stream(name="stdin"),
        stream(name=["stdout"]),
        stream(cell=0),
        stream(cell=-1),
        stream(cell=True),
        stream(cell="1"),
        stream(cell=10**9),
        data(text_plain=[1]),
        data(application_javascript="alert(1)"),
        entry(output={"output_type": "display_data", "data": {"image/svg+xml": "<svg onload='x'/>"}}),
        data(image_png="no base64"),
        data(image_png=base64.b64encode(b"GIF89a").decode()),
        data(image_png=base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()),
        data(image_png=base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff").decode()),
        data(image_gif=PIXEL),
        data(image_jpeg=base64.b64encode(b"\xff\xd8\xff" + b"\xff" * 40).decode()),
    ],
)
def test_forged_lines_are_passed_over(tmp_path: Path, forged: str) -> None:
    (tmp_path / OUTPUTS).write_text(f"{forged}\n{stream()}\n", encoding="utf-8")
    assert read_outputs(tmp_path) == {1: (OK,)}


def test_only_what_is_known_of_an_output_is_kept(tmp_path: Path) -> None:
    output = {
        "output_type": "execute_result",
        "execution_count": "<script>",
        "metadata": {"onload": 1},
        "transient": {},
        "data": {"image/png": f" {PIXEL}\n", "text/plain": "x\ud800", "application/json": {}, "text/html": None},
    }
    (tmp_path / OUTPUTS).write_text(entry(output=output) + "\n", encoding="utf-8")
    kept = {"output_type": "execute_result", "metadata": {}, "data": {"image/png": PIXEL, "text/plain": "x?"}}
    assert read_outputs(tmp_path) == {1: (kept,)}


def test_forged_floods_are_cut_again(tmp_path: Path) -> None:
    lines = [stream("x" * 50_000, cell=cell) for cell in range(1, 300)] + [stream("y", "stderr")] * 5000
    lines += [data(image_png=PIXEL)] * 5000 + [entry(clear=True), stream("new")] * 2000
    (tmp_path / OUTPUTS).write_text("\n".join(lines), encoding="utf-8")
    outputs = read_outputs(tmp_path)
    assert len(outputs) > 10
    assert sum(len(out.get("text", "")) for cell in outputs.values() for out in cell) < 800_000
    assert sum(map(len, outputs.values())) < 3_000


def test_a_link_a_pipe_and_a_huge_file_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(stream(), encoding="utf-8")
    (tmp_path / OUTPUTS).symlink_to(tmp_path / "elsewhere")
    assert read_outputs(tmp_path) == {}
    (tmp_path / OUTPUTS).unlink()
    os.mkfifo(tmp_path / OUTPUTS)
    assert read_outputs(tmp_path) == {}
    (tmp_path / OUTPUTS).unlink()
    with (tmp_path / OUTPUTS).open("wb") as file:
        file.truncate(1 << 32)
    assert read_outputs(tmp_path) == {}
    assert read_outputs(tmp_path / "nowhere") == {}
