"""Make `keras.datasets.mnist.load_data()` read MNIST from a local file.

Keras locates the file with `get_file`, looked up by that name in one module, which defines the single `load_data`
function behind all public names. Replacing the name there covers them all. Keras's own cache is never touched: Keras
deletes files that fail its hash.

This file uses the standard library only, because stock kernels run it without the kit (`write_ipython_profile`).
"""

import importlib.abc
import importlib.machinery
import io
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

MODULE = "keras.src.datasets.mnist"


def serve_from_memory(npz: bytes) -> None:
    """Serve MNIST from memory to this process and its later children. Imports Keras.

    Args:
        npz: the content of an npz file with `x_train`, `y_train`, `x_test`, `y_test`.
    """
    _serve(lambda: io.BytesIO(npz))
    importlib.import_module(MODULE)


def serve_file(path: str) -> None:
    """Serve MNIST from an npz file as soon as Keras is imported.

    Args:
        path: an npz file, as returned by `mnist.npz_path`.
    """
    _serve(lambda: path)


def _serve(source: Callable[[], Any]) -> None:
    loaded = sys.modules.get(MODULE)
    if loaded is not None:
        _patch(loaded, source)
    else:
        sys.meta_path.insert(0, _Finder(source))


def _patch(module: ModuleType, source: Callable[[], Any]) -> None:
    def get_file(*_: object, **__: object) -> Any:
        return source()

    module.get_file = get_file  # type: ignore[attr-defined]


class _Finder(importlib.abc.MetaPathFinder):
    """Import hook that patches one module after it has been loaded."""

    def __init__(self, source: Callable[[], Any]) -> None:
        self.source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            self._patch_after(spec.loader)
        return spec

    def _patch_after(self, loader: Any) -> None:
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            _patch(module, self.source)

        loader.exec_module = exec_module
