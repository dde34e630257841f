"""Read untrusted zips in memory, with limits; write reproducible zips.

`list_members` rejects archives that are damaged or zip bombs. A fault of a single member (encrypted, a link, a path
that leaves the archive) is reported for that member only, so that it does not affect other students.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder.errors import SubmissionError, TooLargeError

MB = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
# A class download has a few thousand files.
MAX_MEMBERS = 50_000
MAX_TOTAL_BYTES = 20_000 * MB
# Notebooks with repetitive outputs can have compression ratios of 300, so the ratio is checked only above a size that
# a single notebook cannot reach.
RATIO_COUNTS_FROM = 200 * MB
MAX_RATIO = 200

_CHUNK = MB
_ENCRYPTED = 0x1
_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_DRIVE = re.compile(r"^[A-Za-z]:")
# Exceptions of zipfile and its decompressors for damaged input.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, IndexError)


@dataclass(frozen=True)
class Member:
    """One file of a zip.

    Args:
        name: its name in the archive.
        shown: its name with forward slashes.
        problem: why it cannot be read, or None.
    """

    name: str
    shown: str
    problem: str | None = None


def list_members(source: Path | IO[bytes]) -> tuple[Member, ...]:
    """Return the files of a zip in the order of its directory, without folders.

    Raises:
        SubmissionError: the zip is damaged, empty or implausibly large.
    """
    with _opened(source) as archive:
        infos = archive.infolist()
        _refuse_bombs(infos)
        # Of two entries with the same name the last counts, as in unzip programs.
        return tuple(_member(info) for info in infos if not info.is_dir() and archive.getinfo(info.filename) is info)


def read_member(source: Path | IO[bytes], name: str, limit: int) -> bytes:
    """Return the bytes of one file of a zip, at most `limit`.

    Raises:
        SubmissionError: the member is missing, damaged, encrypted or larger than the limit.
    """
    with _opened(source) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise SubmissionError(f"the zip no longer contains {name}: was it changed during grading?") from None
        problem = _member(info).problem
        if problem is not None:
            raise SubmissionError(problem)
        return _read_limited(archive, info, limit)


def _read_limited(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    too_large = f"{info.filename} is larger than {limit // MB} MB: clear its outputs, save it and submit it again"
    if info.file_size > limit:
        raise TooLargeError(too_large)
    pieces: list[bytes] = []
    total = 0
    try:
        with archive.open(info) as stream:
            # The size in the header may be wrong, so count the bytes read.
            while piece := stream.read(_CHUNK):
                total += len(piece)
                if total > limit:
                    raise TooLargeError(too_large)
                pieces.append(piece)
    except NotImplementedError:
        raise SubmissionError(
            f"{info.filename} is compressed with an unsupported method: create an ordinary zip"
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
        raise SubmissionError("the zip cannot be opened: permission denied") from None
    except (*_DAMAGE, NotImplementedError, RuntimeError) as error:
        raise SubmissionError(
            f"not a zip, or a damaged one ({error}), probably an incomplete upload: export and submit it again"
        ) from None
    with archive:
        yield archive


def _refuse_bombs(infos: list[zipfile.ZipInfo]) -> None:
    if not infos:
        raise SubmissionError("the zip is empty")
    if len(infos) > MAX_MEMBERS:
        raise SubmissionError(f"the zip contains {len(infos)} files; at most {MAX_MEMBERS} are allowed")
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > MAX_TOTAL_BYTES or (total > RATIO_COUNTS_FROM and total > MAX_RATIO * packed):
        raise SubmissionError(
            f"the zip would expand from {packed / MB:.1f} MB to {total / MB:.0f} MB, which is implausible"
        )


def _member(info: zipfile.ZipInfo) -> Member:
    # Some Windows programs write backslashes, which the zip format forbids.
    shown = _decoded_name(info).replace("\\", "/")
    return Member(info.filename, shown, _problem(info, shown))


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """Return the member's name in the encoding in which it was probably written.

    Without the UTF-8 flag, `zipfile` decodes names as code page 437. The macOS Finder and Info-ZIP write UTF-8 anyway;
    Info-ZIP also repeats the name in the extra field 0x7075 ("Info-ZIP Unicode Path", APPNOTE.TXT 4.6.9).
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
    """Return the name in the extra field 0x7075 if it belongs to this name."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(content) > 5:
            version, checksum = struct.unpack_from("<BL", content)
            return content[5:] if version == 1 and checksum == zlib.crc32(raw) else None
    return None


def _problem(info: zipfile.ZipInfo, shown: str) -> str | None:
    if shown.startswith("/") or _DRIVE.match(shown) or ".." in shown.split("/"):
        return f"{shown} has a path outside the zip: create the zip again with an ordinary program"
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{shown} is a link, not a file: add the file itself to the zip"
    if info.flag_bits & _ENCRYPTED:
        return _encrypted(shown)
    return None


def _encrypted(name: str) -> str:
    return f"{name} is protected by a password: create the zip without one"


def zip_bytes(entries: Mapping[str, bytes], *, scripts: Collection[str] = (), compressed: bool = False) -> bytes:
    """Write a zip whose bytes depend on its content only.

    Args:
        entries: the files by name.
        scripts: the names of files that are executable.
        compressed: deflate the files. The output of zlib differs between its versions, so this is not for files that
            are compared byte by byte.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, also on Windows
            info.external_attr = (0o755 if name in scripts else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            archive.writestr(info, entries[name])
    return buffer.getvalue()
