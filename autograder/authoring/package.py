"""Pack the autograder: otter's zip with bundled tests, and `lab.json`.

Stock otter ignores `lab.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.authoring.master import Master
from autograder.authoring.normalize import complete_test
from autograder.authoring.outline import prerequisites_of, titles
from autograder.authoring.requirements import uses_keras, uses_pandas
from autograder.authoring.settings import LabSettings
from autograder.authoring.stubs import QuestionStubs
from autograder.labs.lab_file import LAB_JSON, LabFile, QuestionEntry, lab_file_bytes
from autograder.util.zips import zip_bytes

SCRIPTS = frozenset({"run_autograder", "setup.sh"})


def lab_description(
    master: Master,
    stubs: Sequence[QuestionStubs],
    settings: LabSettings,
    messages: Mapping[str, Mapping[str, str]],
) -> LabFile:
    """Return the content of lab.json.

    Args:
        master: the lab.
        stubs: the stubs of its questions.
        settings: the settings of its TOML file.
        messages: translations of the tests' messages, by language.
    """
    by_name = {entry.question: entry for entry in stubs}
    title_of = titles(master)
    return LabFile(
        lab=master.name,
        title=master.title,
        questions=tuple(
            QuestionEntry(
                name=question.name,
                title=title_of[question.name],
                depends_on=prerequisites_of(question),
                points=float(question.config["points"]),
                variables=by_name[question.name].variables,
                stubs=by_name[question.name].stubs,
                manual=question.manual,
                written=by_name[question.name].written if question.manual else (),
            )
            for question in master.questions
        ),
        limits=dict(settings.limits),
        seed=settings.seed,
        late=settings.late.to_data() if settings.late else None,
        keras=uses_keras(master),
        pandas=uses_pandas(master),
        messages=messages,
    )


def pack_autograder(archive: Mapping[str, bytes], master: Master, description: LabFile) -> bytes:
    """Return the bytes of `NAME-autograder.zip`, which are reproducible."""
    entries = dict(archive)
    for question in master.questions:
        path = f"tests/{question.name}.py"
        if question.manual:
            continue
        entries[path] = complete_test(entries[path].decode(), master, question.name).encode()
    entries[LAB_JSON] = lab_file_bytes(description)
    return zip_bytes(entries, scripts=SCRIPTS)
