"""What the set-up cell does, once it has unpacked itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from .hosts import prepare
from .lab import read_lab
from .words import _, ngettext, use_catalog


def start(folder: TemporaryDirectory[str]) -> Any:
    """Prepare the kernel and return its `grader`.

    Args:
        folder: where the cell unpacked itself; deleted with the grader.

    Raises:
        HintError: a library is not installed.
    """
    lab, catalog = read_lab(Path(folder.name))
    use_catalog(catalog)
    shell: Any = get_ipython()
    prepare(lab, shell)
    from .cards import note_card  # after otter has been installed and imported
    from .grader import Grader

    if lab.digests:
        from .mnist import serve_mnist

        serve_mnist(lab.digests, _folders)
    old = shell.user_ns.get("grader")
    earlier = old.retire() if hasattr(old, "retire") else ()
    grader = Grader(lab, folder, shell, earlier)
    title = _("Ready: {lab}", lab=lab.name)
    counted = ngettext("{number} question", "{number} questions", len(lab.questions))
    worth = ngettext("{number} point", "{number} points", lab.points)
    how = _("`grader.check(…)` below a question checks your answer, `grader.check_all()` shows where you stand.")
    lines = [_("{questions}, {points}. {how}", questions=counted, points=worth, how=how)]
    display(note_card("passed", title, lines))  # type: ignore[no-untyped-call]
    return grader


def _folders() -> Iterator[Path]:
    """Yield folders that may hold the notebook.

    First the working directory, then the folder that the Jupyter server names.
    """
    yield Path.cwd()
    session = os.environ.get("JPY_SESSION_NAME")
    if session:
        yield Path(session).parent
