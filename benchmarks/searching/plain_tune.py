"""The rival: Ray Tune's `OptunaSearch` over PEFT trials, one process each.

The sampler is Optuna's brute force, so that the points are those of the grid and none is tried twice.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.searching.peft_trial import Material, train_point

_counted = 0.0
"""Seconds of CPU of this process that earlier trials in it have told of."""


@dataclass(frozen=True)
class Tuned:
    """What the trials took on one core.

    Attributes:
        cpu_seconds: of the trials' processes from their start; Ray's own processes and the driver are left out.
        training_cpu_seconds: of the training calls in them alone.
        seconds: wall time of all, Ray's start left out.
        scores: of each trial, in percent.
    """

    cpu_seconds: float
    training_cpu_seconds: float
    seconds: float
    scores: Sequence[float]

    @property
    def mean_score(self) -> float:
        return statistics.fmean(self.scores)


def tune(space: Mapping[str, Sequence[Any]], seed: int, material: Material) -> Tuned:
    """Try every point of a space, one after the other on one core."""
    import optuna
    import ray
    from ray import tune as ray_tune
    from ray.tune.search.optuna import OptunaSearch

    count = 1
    for values in space.values():
        count *= len(values)
    environment = {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]),
    }
    with tempfile.TemporaryDirectory() as folder:
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": environment})
        began = time.monotonic()
        found = ray_tune.Tuner(
            ray_tune.with_parameters(_trial, seed=seed, material=material),
            param_space={name: ray_tune.choice(list(values)) for name, values in space.items()},
            tune_config=ray_tune.TuneConfig(
                metric="score",
                mode="max",
                num_samples=count,
                search_alg=OptunaSearch(sampler=optuna.samplers.BruteForceSampler(seed=seed)),
            ),
            run_config=ray_tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
        seconds = time.monotonic() - began
        ray.shutdown()
    if found.errors:
        raise found.errors[0]
    told = [found[index].metrics or {} for index in range(len(found))]
    if len({tuple(each["config"][name] for name in space) for each in told}) != count:
        raise RuntimeError("a point was tried twice or not at all")
    return Tuned(
        cpu_seconds=sum(each["cpu_seconds"] for each in told),
        training_cpu_seconds=sum(each["training_cpu_seconds"] for each in told),
        seconds=seconds,
        scores=[each["score"] for each in told],
    )


def _trial(config: Mapping[str, Any], seed: int, material: Material) -> None:
    global _counted  # noqa: PLW0603  Ray may run a second trial in a process
    from ray import tune as ray_tune

    score, training = train_point(config, seed, material)
    now = time.process_time()
    ray_tune.report({"score": score, "training_cpu_seconds": training, "cpu_seconds": now - _counted})
    _counted = now
