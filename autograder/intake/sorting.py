"""Detect layouts of Gradescope, Canvas, Moodle and plain folders. Pure.

There is one submission per student and lab. No student is lost: if none of a student's files can be graded, one entry
has the reason, and every file that is set aside is listed with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.errors import UsageError
from autograder.intake.beside import of_plain_files, with_files
from autograder.intake.found import Found
from autograder.intake.listing import is_junk
from autograder.platforms.canvas import name_before_uploads, read_canvas_name, uploads_of_one_file
from autograder.platforms.gradescope import METADATA, read_metadata
from autograder.platforms.moodle import read_moodle_path
from autograder.results.handin import PLATFORM_NAMES, Claim, HandIn, Source
from autograder.util.text import clean_line, counted, first_few

# The share of a folder's notebooks and zips that must have names in Canvas's format.
_MOST = 0.5
_MAX_LISTED = 5

_NOT_SO = {
    "canvas": "No file has a name in the format of a Canvas download (NAME_USERID_FILEID_FILE).",
    "moodle": "No folder or file has a name in the format of a Moodle download (NAME_ID_assignsubmission_file).",
    "gradescope": f"There is no valid {METADATA}, which every Gradescope export contains.",
}


@dataclass(frozen=True)
class Contents:
    """The lab that a notebook names, if any, and a digest of its bytes."""

    lab: str | None
    digest: str


REPLACED = "replaced by a newer one"


@dataclass(frozen=True)
class SetAside:
    """A file that is not graded, and the reason."""

    file: str
    reason: str
    replaced_by: str | None = None


@dataclass(frozen=True)
class Sorted:
    """Files to grade, files set aside, and lines to report."""

    found: tuple[Found, ...]
    set_aside: tuple[SetAside, ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Claimed:
    found: Found
    claim: Claim


# Location of the download, platform, the student's key there, and name: different names are different students.
_Group = tuple[tuple[str, ...], str, str, str]


def sort_in(
    found: Sequence[Found],
    read: Callable[[Found], bytes],
    look_into: Callable[[Found], Contents],
    source: Source | None = None,
    *,
    one_student: bool = False,
) -> Sorted:
    """Detect downloads among files and choose each student's submissions.

    Args:
        found: all files.
        read: returns a file's bytes; may raise ValueError.
        look_into: inspects a notebook; called only for students with several.
        source: the platform of the download, or `plain`; None to detect it.
        one_student: whether plain files are all by one student.

    Raises:
        UsageError: the files do not have the layout of the given platform.
    """
    told: list[str] = []
    exports, missing = _exports(found, read, told) if source in (None, "gradescope") else ({}, [])
    groups: dict[_Group, list[_Claimed]] = {}
    others: list[Found] = []
    canvas_folders = _canvas_folders(found, sure=source == "canvas") if source in (None, "canvas") else frozenset()
    with_moodle = source in (None, "moodle")
    found = _with_nameless_shown(found)
    for one in sorted(found, key=lambda f: (f.long.casefold(), f.long)):
        claimed = _whose(one, exports, canvas_folders, with_moodle=with_moodle)
        if claimed is None:
            if not _is_metadata(one, exports):
                others.append(one)
            continue
        home, claim = claimed
        whose = (home, claim.handin.platform, claim.handin.key, claim.handin.names)
        groups.setdefault(whose, []).append(_Claimed(one, claim))
    if source not in (None, "plain") and not groups and not missing:
        raise UsageError(_NOT_SO[source], hint="omit --from, or use --from plain")
    plain = of_plain_files([one for one in others if not one.hidden], read, one_student=one_student)
    hidden = _hidden_work(others)
    set_aside = [SetAside(one.shown, "a hidden file") for one in others if _may_be_lost(one) and one not in hidden]
    others = plain + hidden
    kept: list[Found] = [*others, *missing]
    for group in groups.values():
        rows, left = _one_students(group, look_into)
        kept += rows
        set_aside += left
    told.insert(0, _recognised(kept, others))
    beside = sum(len(one.beside) for one in kept if one.problem is None)
    if beside:
        told.append(f"Handed in beside notebooks: {counted(beside, 'other file')}")
    if set_aside:
        told.append(_told_aside(set_aside))
    return Sorted(tuple(kept), tuple(set_aside), tuple(told))


# --- whose is it? ----------------------------------------------------------------------------------------------------

_Exports = Mapping[tuple[str, ...], Mapping[str, HandIn]]


def _exports(found: Sequence[Found], read: Callable[[Found], bytes], told: list[str]) -> tuple[_Exports, list[Found]]:
    """Return Gradescope's exports by folder, and entries for missing folders."""
    exports: dict[tuple[str, ...], Mapping[str, HandIn]] = {}
    missing: list[Found] = []
    candidates = sorted((f for f in found if f.place and f.place[-1] == METADATA), key=lambda f: len(f.place))
    for one in candidates:
        root = one.place[:-1]
        # A student's submission may contain a file of that name as well.
        inside_another = any(root[: len(other)] == other and len(root) > len(other) for other in exports)
        if inside_another or read_moodle_path(root) is not None:
            continue
        try:
            handins = read_metadata(read(one))
        except ValueError as error:
            told.append(f"{clean_line(one.shown)} is not used: {clean_line(str(error))}")
            continue
        exports[root] = handins
        there = {f.place[len(root)] for f in found if len(f.place) > len(root) + 1 and f.place[: len(root)] == root}
        problem = f"{METADATA} lists it, but its folder is missing or empty: export the submissions again"
        missing += [
            replace(one, shown=_beside(one.shown, key), long=_beside(one.long, key), problem=problem, handin=handin)
            for key, handin in handins.items()
            if key not in there
        ]
    return exports, missing


def _beside(path: str, name: str) -> str:
    return path[: len(path) - len(METADATA)] + name


def _is_metadata(one: Found, exports: _Exports) -> bool:
    return bool(one.place) and one.place[-1] == METADATA and one.place[:-1] in exports


def _canvas_folders(found: Iterable[Found], *, sure: bool) -> frozenset[tuple[str, ...]]:
    """Return folders in Canvas's format: most names match, and no user has two names.

    Args:
        found: all files.
        sure: whether the user said that they come from Canvas.
    """
    counts: Counter[tuple[tuple[str, ...], bool]] = Counter()
    names: dict[tuple[str, ...], dict[str, str]] = {}
    doubtful: set[tuple[str, ...]] = set()
    for one in found:
        if not one.place or one.hidden:
            continue
        folder, claim = one.place[:-1], read_canvas_name(one.place[-1])
        if one.companion:
            continue
        if one.may_be_work:
            counts[folder, claim is not None] += 1
        if claim is not None and names.setdefault(folder, {}).setdefault(claim.handin.key, claim.handin.names) != (
            claim.handin.names
        ):
            doubtful.add(folder)
    if sure:
        return frozenset(names)
    folders = {folder for folder, _ in counts} - doubtful
    return frozenset(
        f for f in folders if counts[f, True] and counts[f, True] >= _MOST * (counts[f, True] + counts[f, False])
    )


def _with_nameless_shown(found: Sequence[Found]) -> list[Found]:
    """Treat notebooks without a name as ordinary files where there is no other work."""
    folders = {one.place[:-1] for one in found if one.may_be_work and not one.hidden and not one.companion}
    return [
        replace(one, hidden=False) if one.hidden and one.problem is None and one.place[:-1] not in folders else one
        for one in found
    ]


def _hidden_work(others: Sequence[Found]) -> list[Found]:
    """Return a hidden notebook for each plain folder that contains only hidden files."""
    visible = {one.place[:end] for one in others if not one.hidden for end in range(len(one.place))}
    rows: dict[tuple[str, ...], Found] = {}
    for one in others:
        folder = one.place[:-1]
        is_work = one.may_be_work or one.name.lower().endswith(".icloud")
        if one.hidden and is_work and visible and folder not in visible and folder not in rows:
            rows[folder] = one
    return list(rows.values())


def _may_be_lost(one: Found) -> bool:
    """Whether a hidden file may be somebody's notebook, not a copy by a program."""
    *folders, name = one.shown.split("/")
    hidden_by_name = one.hidden and not any(map(is_junk, folders))
    return hidden_by_name and one.may_be_work and not name.startswith(("._", ".~", "~$"))


def _whose(
    one: Found, exports: _Exports, canvas_folders: frozenset[tuple[str, ...]], *, with_moodle: bool
) -> tuple[tuple[str, ...], Claim] | None:
    """Return the start of a file's download and the information in its path.

    None for a plain file.
    """
    for root, handins in exports.items():
        rest = one.place[len(root) :]
        if one.place[: len(root)] == root and len(rest) > 1 and rest[0] in handins:
            return root, Claim(handins[rest[0]], "/".join(rest[1:]))
    in_moodle = read_moodle_path(one.place) if with_moodle else None
    if in_moodle is not None:
        claim, position = in_moodle
        return one.place[:position], claim
    if one.place and one.place[:-1] in canvas_folders:
        of_canvas = read_canvas_name(one.place[-1])
        if of_canvas is not None:
            return one.place[:-1], of_canvas
    return None


# --- which of a student's files? -------------------------------------------------------------------------------------


def _one_students(
    group: Sequence[_Claimed], look_into: Callable[[Found], Contents]
) -> tuple[list[Found], list[SetAside]]:
    """Choose a student's files to grade: one notebook per lab, or a reason for none."""
    if all(c.found.hidden for c in group):
        best = next((c for c in group if c.found.may_be_work), group[0])
        return [_with_handin(best)], [SetAside(c.found.shown, "a hidden file") for c in group if c is not best]
    group = [c for c in group if not c.found.hidden]
    work = [c for c in group if c.found.may_be_work]
    others = [c for c in group if not c.found.may_be_work]
    beside = [SetAside(c.found.shown, "not a notebook") for c in others if not c.found.companion]
    if not work:
        return _no_notebook([c for c in group if not c.found.companion] or group)
    sound = [c for c in work if c.found.problem is None]
    if not sound:
        return [_with_handin(work[0])], [*beside, *(_broken(c) for c in work[1:])]
    broken = [_broken(c) for c in work if c.found.problem is not None]
    rows, left = ([_with_handin(sound[0])], []) if len(sound) == 1 else _of_several(sound, look_into)
    given_as = {c.found: _given_as(c, c.claim.file) for c in sound}
    rows = [with_files(row, given_as[replace(row, handin=None, problem=None)], _files(others)) for row in rows]
    return rows, [*broken, *left]


def _files(others: Sequence[_Claimed]) -> list[tuple[Found, str]]:
    """Return a student's other files with their paths in the hand-in.

    An upload such as `data-1.csv` may have been numbered by Canvas or by the student; it gets both names.
    """
    files = {_given_as(c, c.claim.file): c.found for c in others}
    for c in others:
        if c.claim.handin.platform == "canvas":
            files.setdefault(_given_as(c, name_before_uploads(c.claim.file)), c.found)
    return [(found, path) for path, found in files.items()]


def _given_as(claimed: _Claimed, name: str) -> str:
    """Return the path of a file in the student's hand-in.

    Canvas puts the student's name in front of the file's.
    """
    if claimed.claim.handin.platform != "canvas":
        return claimed.found.long
    return claimed.found.long.replace(claimed.found.place[-1], name, 1)


def _no_notebook(group: Sequence[_Claimed]) -> tuple[list[Found], list[SetAside]]:
    first = _with_handin(group[0])
    if len(group) == 1:
        return [first], []
    problem = f"no notebook (.ipynb) among the {len(group)} submitted files: {first_few([c.claim.file for c in group])}"
    return [replace(first, problem=problem)], [SetAside(c.found.shown, "not a notebook") for c in group[1:]]


def _of_several(
    sound: Sequence[_Claimed], look_into: Callable[[Found], Contents]
) -> tuple[list[Found], list[SetAside]]:
    looked = [(c, look_into(c.found)) for c in sound]
    named = any(contents.lab is not None for _, contents in looked)
    by_lab: dict[str | None, list[tuple[_Claimed, Contents]]] = {}
    rows: list[Found] = []
    left: list[SetAside] = []
    for claimed, contents in looked:
        if named and contents.lab is None:
            left.append(
                SetAside(claimed.found.shown, "it does not name a lab, unlike another notebook of the same student")
            )
        else:
            by_lab.setdefault(contents.lab, []).append((claimed, contents))
    for versions in by_lab.values():
        row, older = _newest(versions)
        rows.append(row)
        left += older
    return rows, left


def _newest(versions: Sequence[tuple[_Claimed, Contents]]) -> tuple[Found, list[SetAside]]:
    """Return the version that counts, or an entry that asks for a decision."""
    claims = [claimed for claimed, _ in versions]
    if len({contents.digest for _, contents in versions}) == 1:
        return _with_handin(claims[0]), [SetAside(c.found.shown, "the same notebook again") for c in claims[1:]]
    # Uploads with the same name replace each other; with different names, the later one need not be the right one.
    if uploads_of_one_file([c.claim.file for c in claims]) and all(c.claim.handin.number is not None for c in claims):
        *older, last = sorted(claims, key=lambda c: c.claim.handin.number or 0)
        return _with_handin(last), [SetAside(c.found.shown, REPLACED, last.found.shown) for c in older]
    problem = (
        f"{len(claims)} different notebooks of the same student for the same lab: "
        f"{first_few([c.claim.file or c.found.name for c in claims])}. Keep only the right one in the download, "
        "and grade again"
    )
    left = [SetAside(c.found.shown, "one of several notebooks of the same student") for c in claims[1:]]
    return replace(_with_handin(claims[0]), problem=problem), left


def _with_handin(claimed: _Claimed) -> Found:
    return replace(claimed.found, handin=claimed.claim.handin)


def _broken(claimed: _Claimed) -> SetAside:
    return SetAside(claimed.found.shown, claimed.found.problem or "")


# --- what to tell ----------------------------------------------------------------------------------------------------


def _recognised(kept: Sequence[Found], others: Sequence[Found]) -> str:
    handins = [one.handin for one in kept if one.handin is not None]
    parts = []
    for platform, word in PLATFORM_NAMES.items():
        these = [handin for handin in handins if handin.platform == platform]
        if these:
            students = {(person.id, person.name, person.email) for handin in these for person in handin.people}
            late = sum(handin.late for handin in these)
            marked = f", {late} marked late" if late else ""
            parts.append(f"a {word} download with submissions of {counted(len(students), 'student')}{marked}")
    exported = sum(one.exported for one in others)
    plain = counted(len(others), "plain file") + (
        f" ({counted(exported, 'otter export')} among them)" if exported else ""
    )
    return f"Recognised: {'; '.join([*parts, plain] if others else parts)}"


def _told_aside(set_aside: Sequence[SetAside]) -> str:
    counts = Counter(one.reason for one in set_aside)
    why = ", ".join(f"{reason}: {count}" for reason, count in counts.most_common(_MAX_LISTED))
    return f"Not graded: {counted(len(set_aside), 'other file')} ({why})"
