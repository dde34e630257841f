"""The file submission_metadata.yml of Gradescope's "Export Submissions".

The export is a folder with that file and one folder `submission_ID` for the active submission of every student or
group. The file's keys are the names of those folders; keys below are Ruby symbols: `:submitters:` (with `:name:`,
`:sid:`, `:email:`), `:created_at:`, `:score:`, `:results:`, `:history:` (earlier submissions, which have no folders).
See https://guides.gradescope.com ("Exporting Submissions").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autograder.intake.handins import HandIn, Person
from autograder.moments import parse_time

METADATA = "submission_metadata.yml"


def read_metadata(data: bytes) -> dict[str, HandIn]:
    """The hand-ins of an export by the names of their folders.

    Raises:
        ValueError: it is not such a file.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        content = yaml.load(data, Loader=_loader())  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is not YAML as Gradescope writes it: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise ValueError("it does not list submissions")
    return {str(folder): _handin(str(folder), entry) for folder, entry in content.items()}


def _loader() -> Any:
    """The safe loader; what is tagged as an object of Ruby's becomes plain data."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # chosen at run time
        pass

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value

    Loader.add_multi_constructor("!", plain)
    return Loader


def _handin(folder: str, entry: Mapping[Any, Any]) -> HandIn:
    people = entry.get(":submitters")
    listed = [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    return HandIn(
        "gradescope",
        folder,
        tuple(Person(_text(p.get(":name")), _text(p.get(":sid")), _text(p.get(":email"))) for p in listed),
        time=_time(entry.get(":created_at")),
    )


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _time(value: object) -> datetime | None:
    """A time with its zone; without one nobody knows which hour it was."""
    if isinstance(value, dict):
        value = value.get("utc", value.get("time"))
    if isinstance(value, str):
        try:
            return parse_time(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
