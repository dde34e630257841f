"""`autograder prove`: what known answers lose, against what they should lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.cli.commands import usable_processors
from autograder.cli.console import say, show_whole
from autograder.cli.progress import show_waiting
from autograder.errors import UsageError
from autograder.labs.course import find_root, lab_names
from autograder.util.text import counted

if TYPE_CHECKING:
    from autograder.authoring.prove import Proof


def prove_course(lab: str | None, *, jobs: int | None) -> int:
    """Grade known answers and print what each lost.

    Returns the exit code, 1 if a known answer lost something else than it should.
    """
    from autograder.authoring.prove import failed, prove

    root = find_root()
    if lab is not None and lab not in lab_names(root):
        raise UsageError(f"There is no lab {lab}: this course has {', '.join(lab_names(root)) or 'none'}.")
    with show_waiting("Grading the known answers"):
        proofs = prove(root, lab, jobs=jobs or usable_processors())
    width = max(len(_name(proof)) for proof in proofs)
    for name in dict.fromkeys(proof.answer.lab for proof in proofs):
        own = [proof for proof in proofs if proof.answer.lab == name]
        show_whole(f"{name}: {_kinds(own)}")
        for proof in own:
            show_whole(f"  {'✗' if proof.differences else '✓'} {_name(proof):<{width}}  {_lost(proof)}")
            for difference in proof.differences:
                show_whole(f"      {difference}")
    different = failed(proofs)
    if different:
        say(
            f"{len(different)} of {counted(len(proofs), 'known answer')} did not get the expected result. Next: "
            f"correct the checks, or the expectations in {different[0].answer.file}."
        )
    else:
        say(f"{counted(len(proofs), 'known answer')} graded: all results are as expected.")
    return int(bool(different))


def add_known_answer(notebook: Path) -> None:
    """Write a known answer from a notebook, and say where it is."""
    from autograder.authoring.prove import new_known_answer

    root = find_root()
    with show_waiting(f"Grading {notebook.name}"):
        path = new_known_answer(root, notebook)
    show_whole(f"Written: {path.relative_to(root)}")
    say("Review it: `lost` and [says] record the current marks and messages, which may be wrong.")


def _name(proof: Proof) -> str:
    return "/".join(Path(proof.answer.file).with_suffix("").parts[-2:])


def _kinds(proofs: Sequence[Proof]) -> str:
    right = sum(proof.answer.right for proof in proofs)
    return f"{right} right and {len(proofs) - right} wrong known answers"


def _lost(proof: Proof) -> str:
    return ", ".join(_losses(proof)) or "loses nothing"


def _losses(proof: Proof) -> Iterator[str]:
    for question in proof.result.questions:
        if question.score < question.max_score and question.status != "to_review":
            yield f"{question.name} loses {question.max_score - question.score:g} of {question.max_score:g}"
