"""A stack that no Ray on this machine could hold is refused before Ray starts."""

from __future__ import annotations

from pathlib import Path

import pytest
import ray

from panda_ray.errors import InputError
from panda_ray.execution.runners import ray_tune
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.usecases.run import run_sweep
from support.sweeps.small_sweeps import small_sweep


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            {"gpus_per_stack": 9000},
            r"a stack wants 1 CPUs and 9000 GPUs .*, but this machine has \d+ CPUs and \d+ GPUs",
        ),
        (
            {"cpus_per_stack": 9000},
            r"a stack wants 9000 CPUs and 0 GPUs .*, but this machine has \d+ CPUs and \d+ GPUs",
        ),
    ],
)
def test_it_is_refused_with_what_there_is_and_nothing_is_started(
    resources: dict[str, float], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> None:
        raise AssertionError("Ray was started")

    monkeypatch.setattr(ray_tune, "ray_cluster", start)
    with pytest.raises(InputError, match=said):
        run_sweep(small_sweep(tmp_path, resources=resources), RayTuneRunner())
    assert not ray.is_initialized()


def test_a_hidden_gpu_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InputError, match=r"this machine has .* and 0 GPUs"):
        run_sweep(small_sweep(tmp_path, resources={"gpus_per_stack": 1}), RayTuneRunner())
