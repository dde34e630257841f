"""Reused predictions equal Keras's bit for bit; any difference prevents reuse."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from autograder.handover.encode import TRAINING
from autograder.handover.journal import HANDOVER
from autograder.sandbox.client import ForkServer
from tests.runner.replay.training_cells import REFERENCE, assert_same, run

CALLS = """
answer = {'predicted': model.predict(x), 'evaluated': model.evaluate(x, y)}
answer['by name'] = model.evaluate(x, y, return_dict=True)
answer['metrics'] = [np.asarray(v) for v in model.metrics_variables]
answer['result'] = model.get_metrics_result()
answer['drawn'] = [random.random(), np.random.rand(), float(tf.random.uniform(())), float(keras.random.uniform(()))]
answer['again'] = model.fit(x, y, epochs=2, batch_size=16, verbose=0).history
answer['after'] = [model.predict(x, verbose=0), model.evaluate(x, y, verbose=0)]
"""
COUNT = """
calls = []
for name in ('make_test_function', 'make_predict_function'):
    def counted(self, *args, name=name, original=getattr(keras.Model, name), **kwargs):
        calls.append(name)
        return original(self, *args, **kwargs)
    counted.__module__ = 'keras.counted'
    setattr(keras.src.backend.tensorflow.trainer.TensorFlowTrainer, name, counted)
"""


@pytest.fixture(scope="module")
def trainings(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the trusted run of a fit and the calls after it records."""
    folder = tmp_path_factory.mktemp("trusted")
    assert not run(fork_server, folder, REFERENCE, CALLS, record=True).raised
    files = list((folder / HANDOVER).glob(f"*{TRAINING}"))
    return {file.stem: base64.b64encode(file.read_bytes()).decode() for file in files}


def test_a_reused_output_equals_that_of_keras_bit_for_bit(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    count = f"{COUNT}\n"
    computed = run(fork_server, tmp_path / "computed", count, REFERENCE, CALLS, "answer['calls'] = len(calls)")
    taken = run(
        fork_server, tmp_path / "taken", count, REFERENCE, CALLS, "answer['calls'] = len(calls)", trainings=trainings
    )
    assert not computed.raised
    assert not taken.raised
    ours, theirs = taken.value("answer"), computed.value("answer")
    assert (ours.pop("calls"), theirs.pop("calls")) == (0, 5)
    assert_same(ours, theirs)


DIFFERENT = {
    "other_weights": "w = model.get_weights(); w[0][0, 0] += 1e-6; model.set_weights(w); model.predict(x, verbose=0)",
    "fewer_images": "model.predict(x[:-1], verbose=0)",
    "one_pixel": "z = x.copy(); z[3, 2, 1] += 1e-6; model.predict(z, verbose=0)",
    "batch_size": "model.evaluate(x, y, batch_size=16, verbose=0)",
    "one_label": "z = y.copy(); z[-1] = (z[-1] + 1) % 3; model.evaluate(x, z, verbose=0)",
    "steps": "model.evaluate(x, y, steps=2, verbose=0)",
    "sample_weight": "model.evaluate(x, y, sample_weight=np.ones(96), verbose=0)",
    "callbacks": "model.predict(x, callbacks=[keras.callbacks.Callback()], verbose=0)",
    "tensors": "model.predict(tf.constant(x), verbose=0)",
    "step_replaced": "s = model.predict_step; model.predict_step = lambda d: s(d) * 0; model.predict(x, verbose=0)",
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_any_relevant_difference_is_computed(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str], name: str
) -> None:
    ran = run(fork_server, tmp_path, COUNT, REFERENCE, DIFFERENT[name], "answer = len(calls)", trainings=trainings)
    assert not ran.raised
    assert [fit.reused for fit in ran.run_log.fits] == [True]
    assert ran.value("answer") == 1


def test_a_wrong_call_raises_what_keras_raises(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    cells = ("model.predict()", "model.evaluate(x, y[:5])", "model.predict(x, nothing=1)", "build().evaluate(x, y)")
    ran = run(fork_server, tmp_path, REFERENCE, *cells, trainings=trainings)
    assert ran.raised == {3: "TypeError", 4: "ValueError", 5: "TypeError", 6: "ValueError"}
