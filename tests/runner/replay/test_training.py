"""Reused trainings equal real ones bit for bit; any difference prevents reuse."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from autograder.handover.encode import TRAINING
from autograder.handover.journal import HANDOVER
from autograder.runner.replay.sealing import State, name_of, seal, unseal
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.runner.replay.training_cells import REFERENCE, assert_same, run


@pytest.fixture(scope="module")
def trainings(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the trusted run of REFERENCE records."""
    folder = tmp_path_factory.mktemp("trusted")
    assert not run(fork_server, folder, REFERENCE, record=True).raised
    files = list((folder / HANDOVER).glob(f"*{TRAINING}"))
    assert len(files) == 1
    return {file.stem: base64.b64encode(file.read_bytes()).decode() for file in files}


AFTERWARDS = """
state = lambda: [np.asarray(v) for v in (*model.variables, *model.optimizer.variables, *model.metrics_variables)]
answer = {'after fit': state(), 'history': history.history, 'epoch': history.epoch, 'params': history.params,
          'kept': [model.history is history, history.model is model, model.stop_training, model.optimizer.built],
          'iterations': int(model.optimizer.iterations), 'metrics': model.get_metrics_result(),
          'names': [metric.name for metric in model.metrics]}
answer['drawn'] = [random.random(), np.random.rand(), float(tf.random.uniform(())), float(keras.random.uniform(()))]
answer['called'] = np.asarray(model(x, training=True))
answer['predicted'] = model.predict(x, verbose=0)
answer['evaluated'] = model.evaluate(x, y, verbose=0)
again = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
answer['trained on'] = [state(), again.history, again.params]
other = build()
answer['next model'] = [np.asarray(w) for w in other.get_weights()]
answer['new name'] = other.name
"""


def test_a_reused_training_equals_a_real_one_bit_for_bit(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    trained = run(fork_server, tmp_path / "real", REFERENCE, AFTERWARDS)
    taken = run(fork_server, tmp_path / "taken", REFERENCE, AFTERWARDS, trainings=trainings)
    assert not trained.raised
    assert not taken.raised
    assert [fit.reused for fit in trained.run_log.fits] == [False, False]
    assert [(fit.cell, fit.reused) for fit in taken.run_log.fits] == [(2, True), (3, False)]
    assert_same(taken.value("answer"), trained.value("answer"))


SAME = {
    "silent": "ready().fit(x, y, 16, 3, 0)",
    "numpy_numbers": "ready().fit(x=x, y=y, epochs=np.int64(3), batch_size=np.int32(16), shuffle=True)",
    "single_precision": "ready().fit(x.astype('float32'), y, epochs=3, batch_size=16, verbose=2)",
    "not_contiguous": "ready().fit(np.asfortranarray(x), y, epochs=3, batch_size=16)",
    "own_names": "ready(names=('a', 'b', 'c')).fit(x, y, epochs=3, batch_size=16)",
    "optimizer_object": "ready(keras.optimizers.RMSprop(name='mine')).fit(x, y, epochs=3, batch_size=16)",
    "stepwise": "m = build()\nm.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy'], "
    "steps_per_execution=1)\nm.fit(x, y, epochs=3, batch_size=16)",
    "after_draws": "m = ready(); np.random.rand(9); random.random(); tf.random.normal((3,))\n"
    "m.fit(x, y, epochs=3, batch_size=16)",
}


def test_irrelevant_differences_do_not_prevent_reuse(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    ran = run(fork_server, tmp_path, *SAME.values(), trainings=trainings)
    assert not ran.raised
    assert {name: fit.reused for name, fit in zip(SAME, ran.run_log.fits, strict=True)} == dict.fromkeys(SAME, True)


FIT = "epochs=3, batch_size=16, verbose=0)"
DIFFERENT = {
    "other_weights": f"m = build(); keras.utils.set_random_seed(12)\nm = keras.models.clone_model(m)\n"
    f"m.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy']); m.fit(x, y, {FIT}",
    "one_weight": f"m = ready(); w = m.get_weights(); w[0][0, 0] += 1e-6; m.set_weights(w); m.fit(x, y, {FIT}",
    "one_pixel": f"z = x.copy(); z[7, 3, 1] += 1e-6\nready().fit(z, y, {FIT}",
    "one_label": f"z = y.copy(); z[-1] = (z[-1] + 1) % 3\nready().fit(x, z, {FIT}",
    "label_dtype": f"ready().fit(x, y.astype('int64'), {FIT}",
    "fewer_images": f"ready().fit(x[:-1], y[:-1], {FIT}",
    "epochs": "ready().fit(x, y, epochs=2, batch_size=16, verbose=0)",
    "batch_size": "ready().fit(x, y, epochs=3, batch_size=32, verbose=0)",
    "default_batch": "ready().fit(x, y, epochs=3, verbose=0)",
    "not_shuffled": f"ready().fit(x, y, shuffle=False, {FIT}",
    "callback": f"ready().fit(x, y, callbacks=[keras.callbacks.TerminateOnNaN()], {FIT}",
    "validation_split": f"ready().fit(x, y, validation_split=0.25, {FIT}",
    "validation_data": f"ready().fit(x, y, validation_data=(x, y), {FIT}",
    "class_weight": f"ready().fit(x, y, class_weight={{0: 2.0, 1: 1.0, 2: 1.0}}, {FIT}",
    "sample_weight": f"ready().fit(x, y, sample_weight=np.ones(96), {FIT}",
    "initial_epoch": f"ready().fit(x, y, initial_epoch=1, {FIT}",
    "steps": f"ready().fit(x, y, steps_per_epoch=3, {FIT}",
    "dataset": "ready().fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), epochs=3, verbose=0)",
    "generator": "ready().fit(((x[:16], y[:16]) for _ in range(6)), steps_per_epoch=2, epochs=3, verbose=0)",
    "tensors": f"ready().fit(tf.constant(x), tf.constant(y), {FIT}",
    "optimizer": f"ready('sgd').fit(x, y, {FIT}",
    "learning_rate": f"ready(keras.optimizers.RMSprop(0.002)).fit(x, y, {FIT}",
    "rate_changed_later": f"m = ready(); m.optimizer.learning_rate = 0.002; m.fit(x, y, {FIT}",
    "optimizer_replaced": f"m = ready(); m.optimizer = keras.optimizers.RMSprop(rho=0.8); m.fit(x, y, {FIT}",
    "metric_name": f"ready(metrics=['acc']).fit(x, y, {FIT}",
    "no_metric": f"m = build(); m.compile('rmsprop', 'sparse_categorical_crossentropy'); m.fit(x, y, {FIT}",
    "activation": f"ready(hidden=dict(activation='tanh')).fit(x, y, {FIT}",
    "own_activation": f"def relu(z): return tf.maximum(z, 0) * 2\nready(hidden=dict(activation=relu)).fit(x, y, {FIT}",
    "own_loss": "def sparse_categorical_crossentropy(t, p): return tf.reduce_mean(p)\n"
    f"ready(loss=sparse_categorical_crossentropy).fit(x, y, {FIT}",
    "regularized": f"ready(hidden=dict(activation='relu', kernel_regularizer='l2')).fit(x, y, {FIT}",
    "frozen_layer": "m = build(); m.layers[1].trainable = False\n"
    f"m.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy']); m.fit(x, y, {FIT}",
    "step_replaced": f"m = ready(); step = m.train_step; m.train_step = lambda data: step(data); m.fit(x, y, {FIT}",
    "own_class": f"class Own(keras.Sequential): pass\nready(kind=Own).fit(x, y, {FIT}",
    "trained_before": f"m = ready(); m.fit(x, y, {FIT}".replace("epochs=3", "epochs=1") + f"; m.fit(x, y, {FIT}",
    "eager": "m = build(); m.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy'], "
    f"run_eagerly=True); m.fit(x, y, {FIT}",
    "method_replaced": f"layers.Dense.call = lambda self, z, **k: z @ self.kernel\nready().fit(x, y, {FIT}",
}


@pytest.mark.slow
def test_any_relevant_difference_prevents_reuse(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    ran = run(fork_server, tmp_path, *DIFFERENT.values(), trainings=trainings, limits=Limits(280, 4096))
    assert not ran.raised, {list(DIFFERENT)[number - 2]: name for number, name in ran.raised.items()}
    names = list(DIFFERENT)
    assert {names[fit.cell - 2] for fit in ran.run_log.fits} == set(names)
    assert [names[fit.cell - 2] for fit in ran.run_log.fits if fit.reused] == []


def test_a_wrong_call_raises_what_keras_raises(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    ran = run(
        fork_server,
        tmp_path,
        "build().fit(x, y)",
        "ready().fit(x, y, epoch=3)",
        "ready().fit(x, y[:5])",
        "ready().compile(nothing=1)",
        trainings=trainings,
    )
    assert ran.raised == {2: "ValueError", 3: "TypeError", 4: "ValueError", 5: "TypeError"}
    assert ran.run_log.fits == ()


def test_a_callback_sees_every_batch_and_every_epoch(fork_server: ForkServer, tmp_path: Path) -> None:
    cell = """
seen = {'batch': 0, 'epoch': 0}
class Batches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None): seen['batch'] += 1
    def on_epoch_end(self, epoch, logs=None): seen['epoch'] += 1
model = ready(); model.fit(x, y, epochs=1, batch_size=16, verbose=0)
model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=[Batches()])
answer = [seen['batch'], seen['epoch'], model.get_compile_config()['steps_per_execution']]
"""
    assert run(fork_server, tmp_path, cell).value("answer") == [12, 2, 32]


def test_training_does_not_depend_on_what_was_drawn_before(fork_server: ForkServer, tmp_path: Path) -> None:
    cell = """
def train(draws):
    model = ready()
    for _ in range(draws): random.random(), np.random.rand(), tf.random.uniform(()), keras.random.uniform(())
    model.fit(x, y, epochs=1, batch_size=16, verbose=0)
    return model.get_weights()
answer = [train(0), train(3)]
keras.utils.set_random_seed(77)
ready().fit(x, y, epochs=1, verbose=0)
draw = lambda: [random.random(), np.random.rand(), float(tf.random.uniform(())), float(keras.random.uniform(()))]
answer.append([draw(), ready() and draw()])
"""
    first, second, (drawn, anew) = run(fork_server, tmp_path, cell).value("answer")
    assert_same(first, second)
    assert drawn == anew  # a fit leaves the generators where it found them


@pytest.fixture
def state() -> State:
    """Something to seal."""
    arrays = tuple(np.random.default_rng(1).random((5, 4)).astype("float32") for _ in range(12))
    return State({"model": arrays, "optimizer": arrays[:3], "metrics": ()}, {"loss": [0.1, 1 / 3], "epochs": 2})


def test_a_recording_opens_for_its_own_fit_only(state: State) -> None:
    digest, other = b"d" * 32, b"e" * 32
    sealed = seal(state, digest)
    assert_same(vars(unseal(sealed, digest)), vars(state))
    for recording, key in ((sealed, other), (sealed[:-1], digest), (b"", digest), (sealed[:40] + b"x", digest)):
        with pytest.raises(ValueError, match="belongs to another call"):
            unseal(recording, key)


def test_a_recording_shows_nothing_of_its_content(state: State) -> None:
    sealed = seal(state, b"d" * 32)
    for part in (state.groups["model"][0].tobytes()[:8], b"loss", b"epochs", b"NUMPY", b"d" * 32):
        assert part not in sealed
    assert name_of(b"d" * 32) not in sealed.hex()


def test_student_code_cannot_read_the_recordings_in_its_process(
    fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]
) -> None:
    """A notebook cannot read recordings without the digest of the solution's inputs."""
    cell = """
import base64, gc
from autograder.runner.replay.sealing import unseal
found = [thing.trainings for thing in gc.get_objects() if type(thing).__name__ == 'FitSettings']
opened = 0
for guess in (b'', NAME.encode(), bytes.fromhex(NAME)):
    try: unseal(base64.b64decode(found[0][NAME]), guess); opened += 1
    except ValueError: pass
answer = [len(found) > 0, opened]
""".replace("NAME", repr(next(iter(trainings))))
    assert run(fork_server, tmp_path, cell, trainings=trainings).value("answer") == [True, 0]


def test_a_damaged_recording_is_passed_over(fork_server: ForkServer, tmp_path: Path, trainings: dict[str, str]) -> None:
    damaged = {name: value[:-400] + "A" * 400 for name, value in trainings.items()}
    ran = run(fork_server, tmp_path, REFERENCE, trainings=damaged)
    assert not ran.raised
    assert [fit.reused for fit in ran.run_log.fits] == [False]


def test_an_untrusted_notebook_records_nothing(fork_server: ForkServer, tmp_path: Path) -> None:
    run(fork_server, tmp_path, REFERENCE)
    assert list((tmp_path / HANDOVER).glob(f"*{TRAINING}")) == []
