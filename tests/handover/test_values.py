"""Plain values cross unchanged from a runner to the checker, or say why not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.datasets import mnist as data
from autograder.handover import shared_arrays as known
from autograder.handover.decode import Unusable
from autograder.handover.equality import same_bytes
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import Ran, run_cells

PLAIN = {
    "none": "None",
    "stub": "...",
    "true": "True",
    "zero": "0",
    "minus": "-5",
    "huge": "-(2 ** 4000)",
    "real": "0.1",
    "tiny": "5e-324",
    "minus_zero": "-0.0",
    "empty_text": "''",
    "emoji": "'naïve 🙂 汉字 \\u202e'",
    "surrogate": "'half \\ud800 of one'",
    "control": "'a\\x00b\\n\\r\\u2028'",
    "empty_list": "[]",
    "nested": "[1, (2.5, 'x', [None, ..., {}]), {'a': {1: (True,)}}]",
    "keys": "{1: 'int', 'a': 1, (1, 'b'): [2], None: 3, 2.5: 4, True and 7: 5}",
    "deep": "[[[[[[[[[[[[[[[['bottom']]]]]]]]]]]]]]]]",
    "range_list": "list(range(1000))",
    "dict_of_arrays": "{'w': [np.float32(1.5), np.int64(3)]}",
}
# Every dtype of numbers and text that .npy holds without pickle, in both byte orders.
DTYPES = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 g <i4 >i4 <u2 >u2 <f4 >f4 >f8 <U5 >U5".split()
ARRAYS = {
    "zero_d": "np.array(3.5)",
    "empty": "np.zeros((0, 7), dtype='float32')",
    "strided": "np.arange(24).reshape(4, 6)[::2, ::-3]",
    "transposed": "np.arange(6.0).reshape(2, 3).T",
    "fortran": "np.asfortranarray(np.arange(12).reshape(3, 4))",
    "broadcast": "np.broadcast_to(np.array([1, 2]), (3, 2))",
    "read_only": "np.frombuffer(b'12345678', dtype='u1')",
    "special": "np.array([np.nan, np.inf, -np.inf, -0.0])",
    "texts": "np.array(['a', 'ö🙂', ''])",
    "masked": "np.ma.array([1, 2], mask=[True, False])",
    "tensor": "np.asarray(tf.constant([[1.5, 2.5]]))",
    "int_tensor": "np.asarray(tf.range(5))",
}
# As handed over -> as it must arrive.
TENSORS = {
    "eager": ("tf.constant([[1.5, 2.5]])", "np.array([[1.5, 2.5]], dtype='float32')"),
    "scalar_tensor": ("tf.constant(3)", "np.array(3, dtype='int32')"),
    "bool_tensor": ("tf.constant([True, False])", "np.array([True, False])"),
    "variable": ("tf.Variable([1, 2])", "np.array([1, 2], dtype='int32')"),
    "keras_variable": ("keras.Variable([1.0, 2.0])", "np.array([1.0, 2.0], dtype='float32')"),
    "half": ("tf.constant([1.5], tf.float16)", "np.array([1.5], dtype='float16')"),
    "in_a_list": ("[tf.constant(1)]", "[np.array(1, dtype='int32')]"),
}
# What cannot cross -> a part of the reason.
REFUSED = {
    "function": ("lambda: 1", "a function"),
    "builtin": ("len", "builtin_function"),
    "module": ("collections.abc", "a module"),
    "klass": ("MyInt", "a type"),
    "inside": ("[1, [2, {3: print}]]", "builtin_function"),
    "generator": ("(i for i in [1])", "a generator"),
    "an_iterator": ("iter([1])", "a list_iterator"),
    "brain_float": ("tf.constant([1.0], tf.bfloat16)", "bfloat16"),
    "ragged": ("tf.ragged.constant([[1], [2, 3]])", "RaggedTensor"),
    "sparse": ("tf.sparse.from_dense([[0, 1]])", "SparseTensor"),
    "dataset": ("tf.data.Dataset.range(3)", "Dataset"),
    "figure": ("matplotlib.pyplot.figure()", "a Figure"),
    "too_long_int": ("1 << 5000", "digits"),
    "too_long_text": ("'x' * 1_000_001", "million characters"),
    "too_many": ("[0] * 1_000_001", "NumPy array"),
    "self_containing": ("loop", "nested"),
    "too_deep": ("bottomless", "nested"),
    "bad_repr": ("BadRepr()", "a BadRepr"),
    "bad_getattr": ("BadGetattr()", "RuntimeError"),
    "bad_array": ("BadArray()", "a BadArray"),
    "bad_class": ("BadClass()", "ZeroDivisionError"),
    "exits": ("Exits()", "SystemExit"),
    "bad_message": ("BadMessage()", "Unprintable"),
    "sub_int": ("MyInt(3)", "a MyInt"),
    "undecodable_array": ("np.array(['a']).view(MyArray)", None),
}
SETUP = """
import collections, keras, matplotlib.pyplot, numpy as np, pandas, tensorflow as tf
loop = []; loop.append(loop)
bottomless = []
for _ in range(100): bottomless = [bottomless]
class BadRepr:
    def __repr__(self): raise RuntimeError
class BadGetattr:
    def __getattribute__(self, name): raise RuntimeError('looked at')
class BadArray:
    def __array__(self, *a, **k): raise RuntimeError('converted')
class BadClass:
    __class__ = property(lambda self: 1 / 0)
class Exits:
    __class__ = property(lambda self: exit_now())
def exit_now(): raise SystemExit(5)
class Unprintable(Exception):
    def __str__(self): raise ValueError
class BadMessage:
    __class__ = property(lambda self: raise_unprintable())
def raise_unprintable(): raise Unprintable
class MyList(list): pass
class MyInt(int): pass
class MyArray(np.ndarray): pass
Point = collections.namedtuple('Point', 'x y')
"""


@pytest.fixture(scope="module")
def crossed(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All values above, by name, as the checker reads them after one real run."""
    expressions = PLAIN | ARRAYS | {name: pair[0] for name, pair in (TENSORS | REFUSED).items()}
    cells = [f"{name} = {expression}" for name, expression in expressions.items()]
    names = list(expressions)
    for dtype in DTYPES:
        key = _key(dtype)
        cells.append(
            f"array_{key} = {_array(dtype)}; scalar_{key} = array_{key}[0]; zero_d_{key} = np.array(array_{key}[0])"
        )
        names += [f"array_{key}", f"scalar_{key}", f"zero_d_{key}"]
    cells.append(
        "nan = float('nan'); infinity = float('inf'); minus_infinity = -infinity; numpy_nan = np.float32('nan')"
    )
    names += ["nan", "infinity", "minus_infinity", "numpy_nan"]
    ran = run_cells(fork_server, tmp_path_factory.mktemp("values"), SETUP, *cells, handover={"q1": names})
    assert ran.outcome.end == "done", ran.outcome.detail
    assert ran.run_log.finished
    assert not ran.raised, ran.run_log.errors
    return ran.handed_over.values("q1")


def _key(dtype: str) -> str:
    return {"?": "bool"}.get(dtype, dtype.replace("<", "little_").replace(">", "big_"))


def _array(dtype: str) -> str:
    return f"np.array({['ab', 'ö🙂'] if 'U' in dtype else [1, 0, 100]}).astype({dtype!r})"


def evaluate(expression: str) -> Any:
    """The value an expression has in this process."""
    import tensorflow as tf

    return eval(expression, {"np": np, "tf": tf})  # noqa: S307 - the tests' own expressions


@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_cross_unchanged(crossed: Mapping[str, Any], name: str) -> None:
    value, expected = crossed[name], evaluate(PLAIN[name])
    assert repr(value) == repr(expected)
    assert type(value) is type(expected)


def test_numbers_without_a_json_form_cross(crossed: Mapping[str, Any]) -> None:
    assert math.isnan(crossed["nan"])
    assert crossed["infinity"] == math.inf
    assert crossed["minus_infinity"] == -math.inf
    assert type(crossed["numpy_nan"]) is np.float32
    assert np.isnan(crossed["numpy_nan"])


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_cross_unchanged(crossed: Mapping[str, Any], name: str) -> None:
    same_array(crossed[name], np.asarray(evaluate(ARRAYS[name])))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_crosses_as_array_and_as_scalar(crossed: Mapping[str, Any], dtype: str) -> None:
    expected = evaluate(_array(dtype))
    same_array(crossed[f"array_{_key(dtype)}"], expected)
    same_array(crossed[f"zero_d_{_key(dtype)}"], np.array(expected[0]))
    scalar = crossed[f"scalar_{_key(dtype)}"]
    assert type(scalar) is type(expected[0])
    assert scalar == expected[0]


def same_array(value: Any, expected: np.ndarray[Any, Any]) -> None:
    """Plain ndarray, same dtype (byte order included), shape and content."""
    assert type(value) is np.ndarray, value
    assert value.dtype == expected.dtype
    assert value.shape == expected.shape
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_arrive_as_arrays(crossed: Mapping[str, Any], name: str) -> None:
    value, expected = crossed[name], evaluate(TENSORS[name][1])
    if isinstance(expected, list):
        assert isinstance(value, list)
        (value,), (expected,) = value, expected
    same_array(value, expected)


@pytest.mark.parametrize("name", [name for name, (_, part) in REFUSED.items() if part])
def test_what_cannot_cross_says_why(crossed: Mapping[str, Any], name: str) -> None:
    value = crossed[name]
    assert isinstance(value, Unusable), value
    assert str(REFUSED[name][1]) in value.reason
    assert len(value.reason) < 600


def test_a_subclass_of_ndarray_arrives_as_a_plain_array(crossed: Mapping[str, Any]) -> None:
    same_array(crossed["undecodable_array"], np.array(["a"]))


def files(ran: Ran) -> list[str]:
    """The arrays in the handover folder."""
    return sorted(path.name for path in (ran.folder / "handover").glob("*.npy"))


def test_an_unchanged_array_is_written_once_and_a_changed_one_again(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import numpy as np, otter; grader = otter.Notebook()\nx = np.arange(100_000.0); empty = np.zeros(0)",
        "grader.check('q1'); grader.check('q2')",
        "copy = x.copy(); wide = x.astype('float32'); other = x.reshape(2, -1); grader.check('q2')",
        "x[3] = -1; grader.check('q3')",
        handover={"q1": ["x", "empty"], "q2": ["x", "copy", "empty"], "q3": ["x", "copy", "wide", "other"]},
    )
    assert not ran.raised
    assert len(files(ran)) == 5  # x, empty, changed x, wide, other
    first, last = ran.value("x", "q2"), ran.value("x", "q3")
    assert (first[3], last[3]) == (3.0, -1.0)
    assert ran.value("copy", "q3")[3] == 3.0


def test_a_name_that_is_not_there_is_left_out(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, "a = 1", "del a", handover={"q1": ["a", "b", "print", "__name__"]})
    assert ran.handed_over.values("q1").keys() == {"__name__"}
    assert ran.handed_over.questions == {"q1"}


MAPPED = """
import numpy as np
from tensorflow import keras
(raw, _), (raw_test, _) = keras.datasets.mnist.load_data()
answer = {'as it is': raw_test, 'double': raw_test / 255, 'single': (raw_test / 255).astype('float32'),
          'in place': np.negative(raw_test / 255), 'whole': raw_test.astype('int64')}
nearly = raw_test / 255
nearly[-1, -1, -1] += 1e-9
other = {'nearly': nearly, 'turned': (raw_test / 255).transpose(0, 2, 1), 'fewer': raw_test[:-1] / 255}
"""


def test_images_changed_value_by_value_cross_as_a_table_bit_for_bit(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, MAPPED, "answer = [answer, other]")
    handover_folder = tmp_path / "handover"
    assert sum(file.stat().st_size for file in handover_folder.glob("*.npy")) < 3.1 * 10_000 * 784 * 8, (
        "only three in full"
    )
    with np.load(data.npz_path()) as file:
        raw = file["x_test"]
    known.share({"x_test": raw})
    mapped, other = ran.value("answer")
    expected = {
        "as it is": raw,
        "double": raw / 255,
        "single": (raw / 255).astype("float32"),
        "in place": np.negative(raw / 255),
        "whole": raw.astype("int64"),
    }
    for name, array in expected.items():
        assert same_bytes(mapped[name], array), name
    nearly = raw / 255
    nearly[-1, -1, -1] += 1e-9
    assert same_bytes(other["nearly"], nearly)
    assert same_bytes(other["turned"], (raw / 255).transpose(0, 2, 1))
    assert same_bytes(other["fewer"], raw[:-1] / 255)
