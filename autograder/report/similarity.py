"""Detect similar submissions with copydetect's fingerprints (winnowing). Pure.

Winnowing: S. Schleimer, D. Wilkerson, A. Aiken, Winnowing: local algorithms for document fingerprinting, SIGMOD 2003.

Right answers to short stubs are similar by nature. Therefore code handed out with the lab is not compared, and passages
shared by many submissions are ignored, like MOSS's option -m, which ignores passages that occur in more than a given
number of programs (10 by default).

The thresholds were measured on the labs of this kit (`python -m benchmarks.similarity` repeats the measurement):
classes of independent right answers, written in randomly chosen common styles, together with copies with other names
and layout, and copies in which a sixth of the answers was changed as well. In `mnist_dense`, all 86 plain copies are
listed, 62 of the 86 changed ones, and 1 of 66,363 independent pairs. In `single_layer`, where right answers are barely
longer than the minimum match, 20 and 12 of 86 copies are listed, and 8 of 66,363 independent pairs.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

# Lengths in copydetect's tokens: characters of code with every name, string and comment reduced to at most one letter.
SHORTEST_PASSAGE = 25
FEWEST_MATCHED = 120
SIMILAR_FROM = 0.7
_SHARE_OF_CLASS = 6
_FEWEST_HOLDERS, _MOST_HOLDERS = 3, 10
_BLOCK = 4096  # columns of the passage table in memory at a time

Marks = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pair:
    """Two submissions that share code which is uncommon in the class.

    Args:
        first: ID of one submission.
        second: ID of the other.
        similarity: share of the uncommon code of one that occurs in the other, the lower of both directions, 0 to 1.
        matched: number of matching characters, as in `FEWEST_MATCHED`.
        marks: start and end of the matching passages in the first submission's code.
        other_marks: the same for the second.
    """

    first: str
    second: str
    similarity: float
    matched: int
    marks: Marks
    other_marks: Marks


@dataclass(frozen=True)
class Similar:
    """The result of a comparison.

    Args:
        groups: IDs of submissions with identical code, at least two each.
        pairs: similar pairs, most similar first; only the first submission of a group is compared.
        compared: number of submissions.
        holders: number of submissions that may share a passage before it counts as common.
    """

    groups: tuple[tuple[str, ...], ...]
    pairs: tuple[Pair, ...]
    compared: int
    holders: int


def most_holders(submissions: int) -> int:
    """Return how many submissions may share a passage before it counts as common.

    A sixth of the class, but at least 3 and at most 10.
    """
    return min(_MOST_HOLDERS, max(_FEWEST_HOLDERS, submissions // _SHARE_OF_CLASS))


def similar(codes: Mapping[str, str]) -> Similar:
    """Compare the answers of a class, each with all others.

    Args:
        codes: the code that each student wrote by ID, without code that was handed out.
    """
    holders = most_holders(len(codes))
    by_text: dict[str, list[str]] = {}
    for identity, code in codes.items():
        by_text.setdefault(_plain(code), []).append(identity)
    sheets = [(members, _fingerprint(codes[members[0]])) for members in by_text.values()]
    sheets = [(members, sheet) for members, sheet in sheets if len(sheet.filtered_code) >= FEWEST_MATCHED]
    sizes = [len(members) for members, _ in sheets]
    uncommon = [sheet for _, sheet in sheets]
    _leave_out_common(uncommon, sizes, holders)
    pairs = [
        pair
        for i, j in _candidates(uncommon)
        if (pair := _compare(sheets[i][0][0], uncommon[i], sheets[j][0][0], uncommon[j])) is not None
    ]
    return Similar(
        groups=tuple(tuple(members) for members, _ in sheets if len(members) > 1),
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair.similarity, -pair.matched, pair.first, pair.second))),
        compared=len(codes),
        holders=holders,
    )


def _plain(code: str) -> str:
    return "\n".join(line.rstrip() for line in code.splitlines() if line.strip())


def _fingerprint(code: str) -> CodeFingerprint:
    from copydetect import CodeFingerprint  # imports Matplotlib: only when a report is written

    # With a window of 1 every passage counts, so the result does not depend on Python's hash seed.
    return CodeFingerprint("answers.py", SHORTEST_PASSAGE, 1, language="python", fp=io.StringIO(code))


def _leave_out_common(sheets: Sequence[CodeFingerprint], sizes: Sequence[int], holders: int) -> None:
    """Remove passages that more than `holders` submissions contain.

    Args:
        sheets: the fingerprints.
        sizes: number of submissions that each fingerprint represents.
        holders: the limit.
    """
    from copydetect.utils import get_token_coverage

    times: Counter[int] = Counter()
    for sheet, size in zip(sheets, sizes, strict=True):
        times.update(dict.fromkeys(sheet.hashes, size))
    for sheet in sheets:
        sheet.hash_idx = {passage: where for passage, where in sheet.hash_idx.items() if times[passage] <= holders}
        sheet.hashes = set(sheet.hash_idx)
        sheet.token_coverage = get_token_coverage(sheet.hash_idx, sheet.k, len(sheet.filtered_code))


def _candidates(sheets: Sequence[CodeFingerprint]) -> Iterator[tuple[int, int]]:
    """Yield the pairs that share enough passages for the slower comparison."""
    times = Counter(passage for sheet in sheets for passage in sheet.hashes)
    places = {passage: place for place, passage in enumerate(p for p, count in times.items() if count > 1)}
    shared = np.zeros((len(sheets), len(sheets)), dtype=np.float32)
    for start in range(0, len(places), _BLOCK):
        # Row: submission; column: passage; entry: how often the submission has it.
        block = np.zeros((len(sheets), _BLOCK), dtype=np.float32)
        for row, sheet in enumerate(sheets):
            for passage, where in sheet.hash_idx.items():
                column = places.get(passage, -1) - start
                if 0 <= column < _BLOCK:
                    block[row, column] = len(where)
        shared += block @ (block > 0).astype(np.float32).T
    coverage = np.array([sheet.token_coverage for sheet in sheets], dtype=np.float32)
    # A passage covers at most `SHORTEST_PASSAGE` characters.
    enough = shared * SHORTEST_PASSAGE >= np.maximum(FEWEST_MATCHED, SIMILAR_FROM * coverage)[:, None]
    for i, j in zip(*np.nonzero(np.triu(enough & enough.T, k=1)), strict=True):
        yield int(i), int(j)


def _compare(first: str, one: CodeFingerprint, second: str, other: CodeFingerprint) -> Pair | None:
    from copydetect import compare_files

    matched, shares, (marks, other_marks) = compare_files(one, other)
    # Ignored passages inside a match may increase the share beyond 1.
    similarity = min(1.0, *map(float, shares))
    if matched < FEWEST_MATCHED or similarity < SIMILAR_FROM:
        return None
    return Pair(
        first,
        second,
        similarity,
        int(matched),
        _marks(marks, len(one.raw_code)),
        _marks(other_marks, len(other.raw_code)),
    )


def _marks(slices: np.ndarray[Any, Any], length: int) -> Marks:
    """Return start and end of the passages in order, merged where they touch."""
    merged: list[list[int]] = []
    for start, end in sorted((max(0, int(a)), min(length, int(b))) for a, b in slices.T):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        elif start < end:
            merged.append([start, end])
    return tuple((start, end) for start, end in merged)
