"""Reading zips that strangers made: nothing is ever unpacked to disk, and everything has a limit.

`list_members` refuses an archive as a whole where that is the only honest answer (damaged, a bomb);
a fault of one member (encrypted, a link, a name that climbs out) is told with that member alone, so
one student's file never costs another student anything.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder.errors import SubmissionError

MB = 1024 * 1024
# A class download holds some thousand files; a zip with more entries than this was built to hurt.
MAX_MEMBERS = 50_000
MAX_TOTAL_BYTES = 20_000 * MB
# Notebooks with long repetitive outputs shrink 300-fold and are welcome, so the ratio counts only beyond a size
# that one notebook cannot reach.
RATIO_COUNTS_FROM = 200 * MB
MAX_RATIO = 200

_CHUNK = MB
_ENCRYPTED = 0x1
_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_DRIVE = re.compile(r"^[A-Za-z]:")
# What zipfile and its decompressors raise on damaged input.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, IndexError)


@dataclass(frozen=True)
class Member:
    """One file of a zip: `name` as the zip knows it, `shown` with forward slashes, `problem` why it cannot be read."""

    name: str
    shown: str
    problem: str | None = None


def list_members(source: Path | IO[bytes]) -> tuple[Member, ...]:
    """The files of a zip in the order they were written, without folders.

    Raises:
        SubmissionError: the zip is damaged, empty, or larger inside than any honest one.
    """
    with _opened(source) as archive:
        infos = archive.infolist()
        _refuse_bombs(infos)
        # Of two entries with one name the last counts, as for every unzip program.
        return tuple(_member(info) for info in infos if not info.is_dir() and archive.getinfo(info.filename) is info)


def read_member(source: Path | IO[bytes], name: str, limit: int) -> bytes:
    """The bytes of one file of a zip, at most `limit`.

    Raises:
        SubmissionError: the member is missing, damaged, encrypted or larger than the limit.
    """
    with _opened(source) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise SubmissionError(f"the zip no longer holds {name}: was it changed while it was graded?") from None
        problem = _member(info).problem
        if problem is not None:
            raise SubmissionError(problem)
        return _read_limited(archive, info, limit)


def _read_limited(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    too_large = f"{info.filename} is larger than {limit // MB} MB: clear its outputs, save and hand in again"
    if info.file_size > limit:
        raise SubmissionError(too_large)
    pieces: list[bytes] = []
    total = 0
    try:
        with archive.open(info) as stream:
            # The size in the header is only a claim, so count what really comes.
            while piece := stream.read(_CHUNK):
                total += len(piece)
                if total > limit:
                    raise SubmissionError(too_large)
                pieces.append(piece)
    except NotImplementedError:
        raise SubmissionError(
            f"{info.filename} is packed with a method this program does not know: pack it again as an ordinary zip"
        ) from None
    except RuntimeError:
        raise SubmissionError(_encrypted(info.filename)) from None
    except _DAMAGE as error:
        raise SubmissionError(f"{info.filename} is damaged inside the zip ({error}): upload it again") from None
    return b"".join(pieces)


@contextmanager
def _opened(source: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(source)
    except PermissionError:
        raise SubmissionError("the zip cannot be opened: no permission to read it") from None
    except (*_DAMAGE, NotImplementedError, RuntimeError) as error:
        raise SubmissionError(
            f"not a zip, or a damaged one ({error}): probably an incomplete upload; export and hand in again"
        ) from None
    with archive:
        yield archive


def _refuse_bombs(infos: list[zipfile.ZipInfo]) -> None:
    if not infos:
        raise SubmissionError("the zip is empty")
    if len(infos) > MAX_MEMBERS:
        raise SubmissionError(f"the zip holds {len(infos)} files, more than the {MAX_MEMBERS} that are allowed")
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > MAX_TOTAL_BYTES or (total > RATIO_COUNTS_FROM and total > MAX_RATIO * packed):
        raise SubmissionError(
            f"the zip would unpack from {packed / MB:.1f} to {total / MB:.0f} MB, which no honest submission does"
        )


def _member(info: zipfile.ZipInfo) -> Member:
    # Some Windows programs write backslashes, which the format forbids.
    shown = _decoded_name(info).replace("\\", "/")
    return Member(info.filename, shown, _problem(info, shown))


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """The member's name as its writer meant it.

    Without the UTF-8 flag, `zipfile` takes names for code page 437. The macOS Finder and Info-ZIP write UTF-8 all the
    same; Info-ZIP also repeats the name in an extra field 0x7075 ("Info-ZIP Unicode Path", APPNOTE.TXT 4.6.9).
    """
    if info.flag_bits & _UTF8_FLAG or info.filename.isascii():
        return info.filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    name = _unicode_path(info.extra, raw) or raw
    try:
        return name.split(b"\0", 1)[0].decode("utf-8")
    except UnicodeDecodeError:
        return info.filename


def _unicode_path(extra: bytes, raw: bytes) -> bytes | None:
    """The name in the extra field 0x7075; None where there is none, or it belongs to another name."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(content) > 5:
            version, checksum = struct.unpack_from("<BL", content)
            return content[5:] if version == 1 and checksum == zlib.crc32(raw) else None
    return None


def _problem(info: zipfile.ZipInfo, shown: str) -> str | None:
    if shown.startswith("/") or _DRIVE.match(shown) or ".." in shown.split("/"):
        return f"{shown} has a path that leads out of the zip, which no ordinary program writes: pack it again"
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{shown} is a link, not a file: pack the file itself"
    if info.flag_bits & _ENCRYPTED:
        return _encrypted(shown)
    return None


def _encrypted(name: str) -> str:
    return f"{name} is locked with a password: pack it again without one"
