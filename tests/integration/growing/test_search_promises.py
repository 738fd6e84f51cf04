"""What a search promises whatever runs it: equal results in stacks and alone, no endless retries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import plan_from
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.work import members
from panda_ray.methods import METHODS, MethodOptions, PromptTuning
from panda_ray.registry import Registry
from panda_ray.search.begin import begin_search
from panda_ray.tasks.task import SizeClass
from panda_ray.training.config import TrainConfig
from support.sweeps.searches import NO_DROPOUT, search, small_search, values_of

GRID = {"space": {"lr": [1e-3, 5e-2, 2e-1], "epochs": [1, 2]}, "sampler": "grid"}


def test_without_dropout_a_stacked_search_scores_and_chooses_as_one_trial_at_a_time(tmp_path: Path) -> None:
    stacked, alone = (
        small_search(tmp_path / str(width), GRID, seeds=[1, 2], training=NO_DROPOUT, resources={"max_stack": width})
        for width in (64, 1)
    )
    (first, (together,)), (second, (apart,)) = search(stacked), search(alone)
    widths = [{record["stack_width"] for _, record in Store(sweep.storage).records()} for sweep in (stacked, alone)]
    assert widths == [{6}, {1}], "three points with two seeds each, and one training"
    assert values_of(together) == values_of(apart)
    assert len({value for _, value in values_of(together)}) > 1, "points that all score the same would show nothing"
    assert together.best is not None
    assert apart.best is not None
    assert together.best.point == apart.best.point
    assert first.plan.cells == second.plan.cells


class FixedSteps(PromptTuning):
    """Trains for so many steps, as the paper's teachers do."""

    name = "fixed_steps"

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return replace(config, max_steps=10)


def test_what_trains_for_fixed_steps_is_searched_but_never_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry("method", [*METHODS.own, FixedSteps()])
    for known in ("_found", "_by_name"):
        monkeypatch.setattr(METHODS, known, getattr(registry, known))
    space = {"space": {"lr": [1e-3, 1e-2]}, "sampler": "grid"}
    with pytest.raises(InputError, match=r"pruning is refused .* fixed_steps trains for a fixed number of steps"):
        search(small_search(tmp_path, space | {"pruner": "median"}, methods=["fixed_steps"]))
    summary, (standing,) = search(small_search(tmp_path, space, methods=["fixed_steps"]))
    assert summary.complete
    assert standing.count("done") == 2


def test_a_point_whose_prompt_others_need_may_not_be_stopped(tmp_path: Path) -> None:
    """One point of prompt tuning is under the sweep's own learning rate, so its unit is the source prompt of PoT."""
    section = {"space": {"lr": [1e-3, 1e-2]}, "sampler": "grid", "pruner": "median"}
    training = {"lr": 1e-2, "epochs": 3, "prompt_len": 4, "batch_size": 8}
    methods = ["prompt_tuning", "pot"]
    sweep = small_search(tmp_path, section, methods=methods, sources=["remark"], targets=["remark"], training=training)
    store, catalog = Store(sweep.storage), read_catalog(sweep)
    with begin_search(plan_from(sweep, store, catalog), catalog, store) as searching:
        proposal = searching.propose(idle=1)
        assert proposal is not None
        (source,) = {key for unit in proposal.units.values() for key in unit.depends_on}
        assert proposal.role_of[source] == "trial"
        assert [key for key in proposal.units if not searching.may_stop(key)] == [source]
        assert len(proposal.units) == 4


def test_a_point_that_does_not_fit_into_memory_has_failed_and_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    train_stack = members.train_stack

    def small_device(
        backbone: object, task: object, stack: list[object], config: TrainConfig, *rest: object, **named: object
    ) -> object:
        tried.append(config.batch_size)
        if config.batch_size == 32:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_stack(backbone, task, stack, config, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "train_stack", small_device)
    space = {"space": {"batch_size": [16, 32], "lr": [1e-2, 1e-1]}, "sampler": "grid"}
    sweep = small_search(tmp_path, space, training={"epochs": 1, "prompt_len": 4})
    summary, (standing,) = search(sweep)
    too_large = [trial for trial in standing.trials if trial.point["batch_size"] == 32]
    assert [(trial.state, trial.error) for trial in too_large] == [("failed", "CUDA out of memory")] * 2
    assert standing.count("done") == 2
    assert standing.best is not None
    assert standing.best.point["batch_size"] == 16
    assert len(summary.plan.cells) == 1
    before = list(tried)
    again, (after,) = search(sweep)
    assert tried == before
    assert (again.failed, after.trials) == ({}, standing.trials)
