"""Known answers that share a submission, so that grading them takes half the time."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.authoring.known_answers import KnownAnswer

# Answers from which no other answer is computed: one that is wrong there spoils nothing else.
INDEPENDENT = {
    "from_scratch": frozenset({"cross_entropy", "templates"}),
    "mnist_dense": frozenset(
        "n_train n_test image_shape flatten_params hidden_params output_params total_params predictions "
        "predicted_labels first_digit first_confidence test_loss test_acc overfitting_gap mistakes".split()
    ),
    "single_layer": frozenset("linear_params linear_test_acc accuracy_cost templates best_images".split()),
}


def pack(answers: Sequence[KnownAnswer]) -> list[tuple[KnownAnswer, ...]]:
    """Distribute known answers over few submissions without mutual influence.

    They go together where they fill different stubs, from which nothing else is computed, and cost different questions.
    An answer that trains stays alone.
    """
    packs: list[list[KnownAnswer]] = []
    for answer in answers:
        fitting = next((pack for pack in packs if all(_fit_together(answer, other) for other in pack)), None)
        if fitting is None:
            packs.append([answer])
        else:
            fitting.append(answer)
    return [tuple(pack) for pack in packs]


def _fit_together(one: KnownAnswer, other: KnownAnswer) -> bool:
    if (one.lab, one.right) != (other.lab, other.right) or one.trains or other.trains:
        return False
    independent = INDEPENDENT.get(one.lab, frozenset()) >= one.fills.keys() | other.fills.keys()
    return independent and not (one.fills.keys() & other.fills.keys() or one.lost & other.lost)
