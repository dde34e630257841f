"""Pack the autograder: otter's zip with bundled tests, and `lab.json`.

Stock otter ignores `lab.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.authoring.master import Master
from autograder.authoring.normalize import complete_test
from autograder.authoring.outline import prerequisites_of, titles
from autograder.authoring.requirements import uses_keras
from autograder.authoring.settings import LabSettings
from autograder.authoring.stubs import QuestionStubs
from autograder.util.zips import zip_bytes

LAB_JSON = "lab.json"
SCHEMA = 1

SCRIPTS = frozenset({"run_autograder", "setup.sh"})


def lab_description(master: Master, stubs: Sequence[QuestionStubs], settings: LabSettings) -> dict[str, Any]:
    """Return the content of lab.json: titles, points, stubs, limits."""
    by_name = {entry.question: entry for entry in stubs}
    title_of = titles(master)
    return {
        "schema": SCHEMA,
        "lab": master.name,
        "title": master.title,
        "questions": [
            {
                "name": question.name,
                "title": title_of[question.name],
                "depends_on": list(prerequisites_of(question)),
                "points": float(question.config["points"]),
                "variables": list(by_name[question.name].variables),
                "stubs": list(by_name[question.name].stubs),
                **({"manual": True, "written": list(by_name[question.name].written)} if question.manual else {}),
            }
            for question in master.questions
        ],
        "limits": dict(settings.limits),
        "seed": settings.seed,
        **({} if uses_keras(master) else {"keras": False}),
        **({"late": settings.late.to_data()} if settings.late else {}),
    }


def pack_autograder(archive: Mapping[str, bytes], master: Master, description: Mapping[str, Any]) -> bytes:
    """Return the bytes of `NAME-autograder.zip`, which are reproducible."""
    entries = dict(archive)
    for question in master.questions:
        path = f"tests/{question.name}.py"
        if question.manual:
            continue
        entries[path] = complete_test(entries[path].decode(), master, question.name).encode()
    entries[LAB_JSON] = (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode()
    return zip_bytes(entries, scripts=SCRIPTS)
