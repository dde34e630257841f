"""The checker spares itself repeated work, and nothing a test sees is different."""

from __future__ import annotations

from pathlib import Path

from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import run_cells

CELL = """
import keras, numpy as np
from autograder.checker import cache
before = keras.datasets.mnist.load_data()
cache.install()
after = keras.datasets.mnist.load_data()
again = keras.datasets.mnist.load_data('mnist.npz')
answer = {'same': all(np.array_equal(a, b) for x, y in zip(before, after) for a, b in zip(x, y)),
          'shared': again[0][0] is after[0][0], 'writable': after[0][0].flags.writeable}
calls = []
class Counted(keras.layers.Flatten):
    def call(self, inputs):
        calls.append(1)
        return super().call(inputs)
model = keras.Sequential([keras.Input((3,)), Counted(), keras.layers.Dense(2, activation='softmax')])
calls.clear()
x = np.arange(12.0, dtype='float32').reshape(4, 3)
def outputs(model, *args, **kwargs):
    calls.clear()
    return np.asarray(model(*args, **kwargs)), len(calls)
first = outputs(model, x)
answer['first, repeated, copied'] = [first[1], outputs(model, x)[1], outputs(model, x.copy())[1]]
answer['equal'] = bool((first[0] == outputs(model, x)[0]).all())
answer['with training, single precision as double, other rows'] = [
    outputs(model, x, training=True)[1], outputs(model, x.astype('float64'))[1], outputs(model, x[:2])[1]]
y = x.copy(); y[3, 2] += 1
many = np.zeros((4096, 3), 'float32'); other = many.copy(); other[1001, 1] = 1
answer['one number differs'] = [outputs(model, y)[1], outputs(model, many)[1], outputs(model, other)[1]]
answer['a row that is not looked at counts'] = bool((outputs(model, other)[0] != outputs(model, many)[0]).any())
model.set_weights([w + 1 for w in model.get_weights()])
answer['other weights'] = outputs(model, x)[1]
model.layers[1].activation = keras.activations.linear
answer['other activation'] = outputs(model, x)[1]
"""


def test_work_is_spared_only_where_nothing_has_changed(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, CELL)
    assert not ran.raised
    assert ran.value("answer") == {
        "same": True,
        "shared": True,
        "writable": False,
        "first, repeated, copied": [1, 0, 0],
        "equal": True,
        "with training, single precision as double, other rows": [1, 1, 1],
        "one number differs": [1, 1, 1],
        "a row that is not looked at counts": True,
        "other weights": 1,
        "other activation": 1,
    }
