"""The progress bar of a batch, on standard error, with the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from autograder.results import Result


@contextmanager
def show_progress(total: int, *, done: int = 0) -> Iterator[Callable[[Result], None]]:
    """Show how many submissions are graded, `done` of them before; gives the function to call with every result."""
    columns = (
        TextColumn("Grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total, completed=done)

        def advance(result: Result) -> None:
            mark = f"{result.score:g}/{result.max_score:g}" if result.status == "graded" else result.status
            name = result.submission if len(result.submission) <= 32 else f"…{result.submission[-31:]}"
            progress.update(task, advance=1, description=_plain(f"{name}: {mark}"))

        yield advance


def _plain(text: str) -> str:
    """File names may hold what rich would read as markup, or control characters."""
    return "".join(character for character in text if character.isprintable()).replace("[", r"\[")
