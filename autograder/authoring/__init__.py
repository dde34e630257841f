"""Build notebooks, autograders and answer keys from masters.

master            reads a master: cells with lines, questions, tests
validate          rules for masters
own_functions     tests that pass a function of their own, which cannot cross
outline           titles of the questions, and their prerequisites
support           data and modules handed out with a notebook
requirements      packages that a lab imports
settings          TOML settings of labs and courses
otter             runs `otter assign` in a child process
stubs             the stubs of the student notebook
normalize         reproducible notebooks; helpers into the tests
bundle            the definitions of the check library that a test uses
test_sources      tests of a master with their bundled definitions
setup_cell        the first code cell of a student notebook: checks and student package, compressed
student_notebook  set-up, check and hand-in cells in place of otter's
leaks             no solution and no hidden test in a student notebook
notebook_version  a digest of what students receive
translate         a lab's texts in other languages
package           the autograder zip with lab.json
gradescope_zip    the zip for Gradescope
readme            the page for students
key               runs the key and the untouched notebook, and reports what they should not earn or lose
known_answers     right and wrong answers, and what they must lose
prove             grades the known answers of a course
new               begins a course
generated_files   atomic writes; the comparison of `--check`
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from autograder.authoring.generated_files import check_current, write_if_changed
from autograder.authoring.gradescope_zip import pack_gradescope
from autograder.authoring.key import Candidate, kept_key, prove_keys
from autograder.authoring.leaks import check_leaks
from autograder.authoring.master import Master, read_master
from autograder.authoring.normalize import dump_notebook, normalise, without_marks, without_prompts
from autograder.authoring.notebook_version import notebook_version
from autograder.authoring.otter import OtterOutput, run_otter_assign
from autograder.authoring.package import lab_description, pack_autograder
from autograder.authoring.readme import ListedLab, has_readme, student_readme
from autograder.authoring.requirements import (
    OTTER,
    lab_requirements,
    noisy_modules,
    requirements_file,
    uses_drawing_board,
    uses_keras,
    uses_pandas,
)
from autograder.authoring.settings import CourseSettings, LabSettings, read_course, read_settings
from autograder.authoring.setup_cell import SetUp
from autograder.authoring.stubs import read_stubs
from autograder.authoring.student_notebook import with_student_cells
from autograder.authoring.support import clashes, support_files
from autograder.authoring.translate import (
    Translation,
    check_translations,
    grading_messages,
    kit_translations,
    lab_texts,
    lab_translations,
    translated_notebook,
    updated_catalog,
    updated_kit_catalogs,
    with_translated_prompts,
)
from autograder.authoring.validate import check_description, check_master
from autograder.datasets.mnist import ARRAYS
from autograder.errors import BuildDriftError, MasterError, SeveralFaultsError, UsageError, raise_faults
from autograder.labs.course import MASTER_KINDS, autograder_zip, lab_names, newer_sources
from autograder.labs.lab_file import LabFile
from autograder.notebooks.written import text_digest

__all__ = ["BuiltLab", "build_labs", "generate"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class BuiltLab:
    """A built lab.

    Args:
        name: its name.
        title: its title.
        questions: number of questions.
        points: total points.
        files: paths of its files relative to the root.
        changed: paths of the files that were written.
    """

    name: str
    title: str
    questions: int
    points: float
    files: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class LabSource:
    """A master, its lab's settings, and the files that are handed out with it."""

    master: Master
    settings: LabSettings
    files: dict[str, bytes]
    translations: Mapping[str, Translation]

    @property
    def requirements(self) -> tuple[str, ...]:
        return lab_requirements(self.master, self.files)


def build_labs(
    root: Path, names: Sequence[str], *, check: bool, report: Callable[[str], None], run_keys: bool = False
) -> tuple[BuiltLab, ...]:
    """Build labs, or with `check` compare the result with the existing files.

    Args:
        root: the folder that holds `solutions/`; `assignment/` and `dist/` are made beside it.
        names: the labs to build; none means all.
        check: write nothing, raise where a file is not current.
        report: takes one line of progress per lab.
        run_keys: run the answer keys, and write only labs whose key earns every point; an untouched lab is not run
            again.

    Raises:
        MasterError: faults in masters, with their places; the labs without a fault have been built.
        BuildDriftError: with `check`, generated files are not current.
        UsageError: no such lab.
        WorkerError: otter could not run.
    """
    known = lab_names(root)
    chosen = _choose(names, known, root)
    faults: list[MasterError] = []  # raised at the end: a faulty lab does not stop the others
    readable, sources = _read_sources(root, known, chosen, faults)
    course = _collected(["course"], lambda _: read_course(root, known), faults)
    if not course or not sources:
        raise_faults(faults)
    outputs, refused = run_otter_assign(
        [source.master for source in sources.values()],
        {name: source.requirements for name, source in sources.items()},
        {name: source.files for name, source in sources.items()},
    )
    faults += refused
    products = _collected(list(outputs), lambda name: generate(sources[name], outputs[name]), faults)
    products = _with_keys(root, sources, products, faults, run=run_keys and not check)
    if not products:
        raise_faults(faults)
    sound = {name: source for name, source in readable.items() if name in products or name not in chosen}
    shared = _shared_files(root, known, sound, products, course["course"])
    generated = {path: content for files in (*products.values(), shared) for path, content in files.items()}
    translations = [one for name in products for one in sources[name].translations.values()] + kit_translations(root)
    changed: set[str] = set()
    if check:
        with _collecting(faults):
            check_translations(translations)
        _check_current(root, generated, report if faults else None, complete=set(products) == set(known))
    else:
        changed = {path for path, content in generated.items() if write_if_changed(root / path, content)}
        for name in products:
            if newer_sources(root, name):
                autograder_zip(root, name).touch()  # what has changed since makes no difference to it
    built = tuple(_built(sources[name].master, products[name], changed) for name in products)
    for lab in built:
        report(_line(lab, check=check, missing=[path for path in lab.files if not (root / path).is_file()]))
    for path in sorted(shared.keys() & changed):
        report(f"{path}: written")
    for one in translations:
        if one.faults:
            report(f"{one.file}: {len(one.faults)} to do, which stay English; the first: {one.faults[0]}")
    raise_faults(faults)
    return built


def _read_sources(
    root: Path, known: Sequence[str], chosen: Sequence[str], faults: list[MasterError]
) -> tuple[dict[str, LabSource], dict[str, LabSource]]:
    """Read all labs of a course.

    Returns those without a fault, and of these the ones to build.
    """
    read = _collected(chosen, lambda name: _read_source(root, name), faults)
    read |= _collected([name for name in known if name not in chosen], lambda name: _read_source(root, name), [])
    clashing = clashes({name: read[name].files for name in known if name in read})
    faults += clashing.values()
    readable = {name: source for name, source in read.items() if name not in clashing}
    return readable, {name: readable[name] for name in chosen if name in readable}


def _check_current(
    root: Path, generated: dict[str, bytes], report: Callable[[str], None] | None, *, complete: bool
) -> None:
    """Compare generated files with the existing ones and report differences."""
    try:
        check_current(root, generated, _unlisted(root, generated) if complete else [])
    except BuildDriftError as drift:
        if report is None:
            raise
        report(str(drift))


def _with_keys(
    root: Path,
    sources: Mapping[str, LabSource],
    products: Mapping[str, dict[str, bytes]],
    faults: list[MasterError],
    *,
    run: bool,
) -> dict[str, dict[str, bytes]]:
    """Replace answer keys by executed ones, if there are any or they are to be made.

    Labs whose key is not proved are left out, and their faults are added to the list.
    """
    executed: dict[str, bytes] = {}
    to_run: list[Candidate] = []
    for name, files in products.items():
        candidate = Candidate(
            sources[name].master,
            files[f"dist/{name}-autograder.zip"],
            files[f"assignment/{name}.ipynb"],
            files[_key_path(name)],
            uses_keras(sources[name].master),
            uses_pandas(sources[name].master),
        )
        kept = kept_key(candidate, root / _key_path(name), proved=run)
        if kept is not None:
            executed[name] = kept
        elif run:
            to_run.append(candidate)
    proved, found = prove_keys(to_run)
    faults += found
    executed |= proved
    failed = {candidate.master.name for candidate in to_run} - proved.keys()
    return {
        name: {**files, **({_key_path(name): executed[name]} if name in executed else {})}
        for name, files in products.items()
        if name not in failed
    }


def _key_path(lab: str) -> str:
    return f"dist/{lab}-solution.ipynb"


def _collected(labs: Sequence[str], make: Callable[[str], _T], faults: list[MasterError]) -> dict[str, _T]:
    """Make something of every lab that has no faults.

    Faults found on the way are added to the list.
    """
    made: dict[str, _T] = {}
    for lab in labs:
        with _collecting(faults):
            made[lab] = make(lab)
    return made


@contextmanager
def _collecting(faults: list[MasterError]) -> Iterator[None]:
    """Add the faults that are raised in the block to a list."""
    try:
        yield
    except SeveralFaultsError as error:
        faults += error.faults
    except MasterError as error:
        faults.append(error)


def generate(source: LabSource, output: OtterOutput) -> dict[str, bytes]:
    """Return all files of one lab, from otter's output, by path below the root.

    Raises:
        MasterError: the student notebook is not what students may get.
    """
    master, settings = source.master, source.settings
    student, solution = normalise(output.student, master), normalise(without_prompts(output.solution), master)
    catalogs = {language: one.texts for language, one in source.translations.items()}
    stubs = [with_translated_prompts(one, catalogs) for one in read_stubs(student["cells"], master)]
    messages = {language: grading_messages(one, language) for language, one in source.translations.items()}
    description = lab_description(master, stubs, settings, messages)
    versions = {
        language: notebook_version(student["cells"], master, description.questions, source.files, texts)
        for language, texts in {"en": {}, **catalogs}.items()
    }
    description = replace(description, versions=versions)
    contents = _set_up(source, description, student["metadata"]["otter"].get("tests", {}))
    translated = {
        f"assignment/{language}/{master.name}.ipynb": translated_notebook(
            student, contents, translation.texts, language=language, instructions=master.instructions
        )
        for language, translation in source.translations.items()
    }
    student = with_student_cells(student, contents, instructions=master.instructions)
    for notebook in (student, *translated.values()):
        check_leaks(notebook, master)
    solution = with_student_cells(without_marks(solution), contents, instructions=master.instructions)
    if any(question.manual for question in master.questions):
        handed_out = [cell for notebook in (student, *translated.values()) for cell in notebook["cells"]]
        texts = (cell["source"] for cell in handed_out if cell["cell_type"] == "markdown")
        description = replace(description, given=tuple(sorted({text_digest(text) for text in texts})))
    autograder, answer_key = pack_autograder(output.archive, master, description), dump_notebook(solution)
    return {
        f"assignment/{master.name}.ipynb": dump_notebook(student),
        **{path: dump_notebook(notebook) for path, notebook in translated.items()},
        f"dist/{master.name}-autograder.zip": autograder,
        f"dist/{master.name}-gradescope.zip": pack_gradescope(autograder, answer_key, _points(master)),
        f"dist/{master.name}-solution.ipynb": answer_key,
    }


def _set_up(source: LabSource, description: LabFile, tests: Mapping[str, str]) -> SetUp:
    """Gather what the set-up cell of a lab is made from."""
    questions = tuple(
        {
            **{key: getattr(entry, key) for key in ("name", "title", "points", "variables", "stubs")},
            **({"written": entry.written} if question.manual else {}),
            "checks": [check_description(test) for test in question.tests if not test.config.get("hidden", False)],
        }
        for entry, question in zip(description.questions, source.master.questions, strict=True)
    )
    return SetUp(
        source.master.name,
        questions,
        tests,
        imports=noisy_modules(source.master),
        requires=OTTER,
        hand_in=source.settings.hand_in,
        digests={name: digest for name, (_, digest) in ARRAYS.items()} if _loads_mnist(source.master) else {},
        drawing_board=uses_drawing_board(source.master),
        versions=description.versions,
    )


def _loads_mnist(master: Master) -> bool:
    return any(cell.kind == "code" and "mnist.load_data" in cell.source for cell in master.cells)


def _listed(source: LabSource, language: str | None = None) -> ListedLab:
    master, title = source.master, source.master.title
    if language is not None:
        texts = source.translations[language].texts
        headings = (found for text, found in texts.items() if text.startswith(f"# {title}\n"))
        title = next(headings, title).partition("\n")[0].removeprefix("# ")
    return ListedLab(master.name, title, len(master.questions), _points(master), source.settings.hand_in)


def _choose(names: Sequence[str], known: Sequence[str], root: Path) -> list[str]:
    if not known:
        raise UsageError(
            f"There is no master in {root / 'solutions'}: a lab is one file there, `NAME.py` (percent format) or "
            "`NAME.ipynb`.",
            hint="autograder new FOLDER begins a course with a small lab",
        )
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no lab {name} in solutions/: there is {', '.join(known)}.", hint="autograder build"
            )
    return [name for name in known if not names or name in names]


def _master_file(root: Path, name: str) -> str:
    """Return the master of a lab, relative to the root."""
    found = [f"solutions/{name}{kind}" for kind in MASTER_KINDS if (root / "solutions" / f"{name}{kind}").is_file()]
    if len(found) > 1:
        raise MasterError(f"the lab has another master, {found[1]}: keep one of them", file=found[0])
    return found[0]


def _read_text(root: Path, file: str) -> str:
    """Return the text of a UTF-8 file in solutions/, without its byte order mark.

    Raises:
        MasterError: it is in another encoding.
    """
    data = (root / file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        probably = (
            "UTF-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "Latin-1 or Windows-1252"
        )
        raise MasterError(
            f"this file is not UTF-8 text (byte {data[error.start]:#04x}), probably {probably}: save it as UTF-8",
            file=file,
            line=line,
        ) from error


def _read_source(root: Path, name: str) -> LabSource:
    file, toml = _master_file(root, name), f"solutions/{name}.toml"
    text = _read_text(root, file)
    settings = read_settings(_read_text(root, toml), file=toml) if (root / toml).is_file() else LabSettings()
    master = read_master(text, name=name, file=file)
    check_master(master)
    return LabSource(master, settings, support_files(root, master), lab_translations(root, master))


def update_translations(root: Path, names: Sequence[str], report: Callable[[str], None]) -> None:
    """Update the catalogs of labs, and of the kit in its own repository.

    New texts get an empty entry, changed ones become fuzzy.

    Raises:
        MasterError: a master or a catalog cannot be read.
    """
    for name in _choose(names, lab_names(root), root):
        file = _master_file(root, name)
        texts = lab_texts(read_master(_read_text(root, file), name=name, file=file))
        for path in sorted((root / "solutions" / "locale").glob(f"*/{name}.po")):
            shown = path.relative_to(root).as_posix()
            content = updated_catalog(path.read_bytes(), texts, language=path.parent.name, file=shown)
            report(f"{shown}: {'updated' if write_if_changed(path, content) else 'up to date'}")
    for path, content in updated_kit_catalogs(root).items():
        shown = path.relative_to(root).as_posix()
        report(f"{shown}: {'updated' if write_if_changed(path, content) else 'up to date'}")


def _shared_files(
    root: Path, known: Sequence[str], sound: Mapping[str, LabSource], products: Container[str], course: CourseSettings
) -> dict[str, bytes]:
    """Return the files that labs share.

    Args:
        root: the folder of the course.
        known: the names of all labs.
        sound: the labs without a fault; as long as one that is handed out has a fault, the pages that list all labs
            stay as they are.
        products: the labs that are being built.
        course: the settings of the course.
    """
    in_order = dict.fromkeys([*course.order, *known])
    listed = [name for name in in_order if name in products or (root / "assignment" / f"{name}.ipynb").is_file()]
    everybody = [sound[name] for name in listed if name in sound]
    files = {f"assignment/{name}": content for source in everybody for name, content in source.files.items()}
    if len(everybody) < len(listed):
        return files
    return {
        **files,
        "assignment/README.md": student_readme([_listed(source) for source in everybody], published=course.published),
        **{
            f"assignment/README.{language}.md": student_readme(
                [_listed(source, language) for source in everybody if language in source.translations],
                published=course.published,
                language=language,
            )
            for language in sorted({language for source in everybody for language in source.translations})
            if has_readme(language)
        },
        "assignment/requirements.txt": requirements_file(source.requirements for source in everybody),
    }


def _unlisted(root: Path, generated: dict[str, bytes]) -> list[str]:
    found = (path.relative_to(root).as_posix() for path in (root / "assignment").rglob("*.ipynb"))
    return sorted(name for name in found if name not in generated)


def _built(master: Master, files: dict[str, bytes], changed: set[str]) -> BuiltLab:
    paths = tuple(sorted(files))
    return BuiltLab(
        master.name,
        master.title,
        len(master.questions),
        _points(master),
        paths,
        tuple(path for path in paths if path in changed),
    )


def _points(master: Master) -> float:
    return sum(float(question.config["points"]) for question in master.questions)


def _line(lab: BuiltLab, *, check: bool, missing: Sequence[str] = ()) -> str:
    what = f"{lab.name}: {lab.questions} questions, {lab.points:g} points"
    if missing:
        others = "up to date" if len(missing) < len(lab.files) else "not built"
        return f"{what}, {others}, but not built here: {', '.join(missing)} (autograder build)"
    if check or not lab.changed:
        return f"{what}, up to date"
    return f"{what}, written: {', '.join(lab.changed)}"
