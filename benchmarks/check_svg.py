"""Draw check.svg, the picture of a real `autograder check`.

It grades a student who normalised twice.

    .venv/bin/python benchmarks/check_svg.py

Needs the course built (`autograder build`). The student trains for real, so it takes about half a minute.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from autograder.cli.commands import GradingOptions, check_notebook
from autograder.cli.demo import write_class
from autograder.labs.course import find_root
from autograder.render.terminal import result_table

WHO = "dora_twice.ipynb"
COLUMNS = 82
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def main() -> None:
    """Grade, draw, and write docs/images/check.svg."""
    with TemporaryDirectory() as folder:
        handed_in = Path(folder, "class")
        write_class(find_root(), handed_in)
        result = check_notebook(handed_in / WHO, GradingOptions(), as_json=False)
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(Text.assemble(("$ ", "dim"), (f"autograder check {WHO}", "bold")), end="\n\n")
    console.print(result_table(result), width=COLUMNS - 2)
    svg = console.export_svg(title="MNIST Lab Kit", unique_id="check")
    (Path(__file__).parents[1] / "docs" / "images" / "check.svg").write_text(standing_alone(svg), encoding="utf-8")


def standing_alone(svg: str) -> str:
    """Return the image with local fonts and without external addresses."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:[^;]*;", f"font-family: {FONTS};", svg)
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


if __name__ == "__main__":
    main()
