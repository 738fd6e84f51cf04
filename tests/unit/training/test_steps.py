"""The optimiser steps of a training and its epochs, whose last batch may be small and which `max_steps` may cut."""

from __future__ import annotations

from panda_ray.training.config import TrainConfig
from panda_ray.training.steps import Steps


def steps_of(examples: float, batch_size: int, epochs: int, max_steps: int | None = None) -> Steps:
    return Steps.of(TrainConfig(lr=1.0, batch_size=batch_size, epochs=epochs, max_steps=max_steps), examples)


def test_a_small_last_batch_is_a_step_and_an_example_of_a_mean_likewise() -> None:
    assert steps_of(10, batch_size=4, epochs=2) == Steps(total=6, per_epoch=3)
    assert steps_of(8, batch_size=4, epochs=2) == Steps(total=4, per_epoch=2)
    assert steps_of(8.5, batch_size=4, epochs=2) == Steps(total=6, per_epoch=3)


def test_a_bound_cuts_inside_an_epoch_and_adds_none() -> None:
    assert steps_of(10, batch_size=4, epochs=2, max_steps=4) == Steps(total=4, per_epoch=3)
    assert steps_of(10, batch_size=4, epochs=2, max_steps=40).total == 6


def test_an_evaluation_follows_each_epoch_the_last_step_and_no_step_at_all() -> None:
    cut = Steps(total=4, per_epoch=3)
    assert [done for done in range(5) if cut.ends_epoch(done)] == [3, 4]
    assert cut.evaluations == 2
    assert [cut.epoch_of(done) for done in range(5)] == [0, 1, 1, 1, 2]
    none = Steps(total=0, per_epoch=3)
    assert none.ends_epoch(0)
    assert none.evaluations == 1


def test_what_is_left_of_an_epoch_are_its_batches_from_there_on_up_to_the_last_step() -> None:
    cut, batches = Steps(total=5, per_epoch=3), ["a", "b", "c"]
    assert [batches[cut.left_of_epoch(done)] for done in range(5)] == [
        ["a", "b", "c"],
        ["b", "c"],
        ["c"],
        ["a", "b"],
        ["b"],
    ]
