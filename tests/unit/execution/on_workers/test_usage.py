from __future__ import annotations

import sys
import time

import pytest
import torch
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor

from panda_ray.errors import InputError
from panda_ray.execution.work.usage import Sampler, check_samples, sampler
from panda_ray.training.engine.epoch_report import Usage

CPU = (torch.device("cpu"),)


def first(sampling: Sampler) -> tuple[Usage, ...]:
    """The samples that are taken without being asked for, once there are any."""
    deadline = time.monotonic() + 60
    while not (samples := sampling.taken()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return samples


def test_samples_are_taken_by_the_way_handed_out_once_and_named_and_measured_as_mlflows() -> None:
    monitor = CPUMonitor()
    began = time.time()
    with Sampler(CPU, seconds=0.02) as sampling:
        early = first(sampling)
        later = first(sampling)
    monitor.collect_metrics()
    assert began <= early[0].time < later[0].time <= time.time()
    for sample in (*early, *later):
        assert sample.values.keys() == monitor.metrics.keys()
        assert 0 <= sample.values["cpu_utilization_percentage"] <= 100
    [used] = monitor.metrics["system_memory_usage_megabytes"]
    assert early[0].values["system_memory_usage_megabytes"] == pytest.approx(used, rel=0.5)
    share = early[0].values["system_memory_usage_megabytes"] / early[0].values["system_memory_usage_percentage"]
    assert 100 * share * 1e6 == pytest.approx(total_bytes(), rel=1e-6)


def total_bytes() -> int:
    import psutil  # type: ignore[import-untyped]

    return int(psutil.virtual_memory().total)


def test_a_stack_that_ends_before_the_first_sample_has_one() -> None:
    with Sampler(CPU) as sampling:
        assert sampling.taken() == ()
        [only] = sampling.taken(last=True)
        assert sampling.taken() == ()
    assert "cpu_utilization_percentage" in only.values


def test_gpus_of_the_stack_are_numbered_by_their_place_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's answers are invented: no GPU is at hand."""
    used = {1: 3 << 30, 3: 1 << 30}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: ((4 << 30) - used[device.index], 4 << 30))
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 10 * device.index)
    with Sampler((torch.device("cuda:3"), torch.device("cuda:1"))) as sampling:
        [sample] = sampling.taken(last=True)
    graphics = {name: value for name, value in sample.values.items() if name.startswith("gpu_")}
    assert graphics == {
        "gpu_0_memory_usage_megabytes": (1 << 30) / 1e6,
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_utilization_percentage": 30.0,
        "gpu_1_memory_usage_megabytes": (3 << 30) / 1e6,
        "gpu_1_memory_usage_percentage": 75.0,
        "gpu_1_utilization_percentage": 10.0,
    }


def test_a_gpu_that_answers_with_an_error_ends_the_samples_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(device: torch.device) -> int:
        raise RuntimeError("not supported on a part of a GPU")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1 << 30, 4 << 30))
    monkeypatch.setattr(torch.cuda, "utilization", refuses)
    with Sampler((torch.device("cuda:0"),)) as sampling:
        assert sampling.taken(last=True) == ()
        assert sampling.taken(last=True) == ()
    assert [record.getMessage() for record in caplog.records] == [
        "no more system metrics of this stack: not supported on a part of a GPU"
    ]


@pytest.mark.parametrize(
    ("library", "package", "has_gpu"), [("psutil", "psutil", False), ("pynvml", "nvidia-ml-py", True)]
)
def test_what_is_missing_is_named_before_a_run_and_only_said_in_a_worker(
    library: str, package: str, has_gpu: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    sentence = f"tracking.system_metrics needs {package}, which is not installed here: pip install {package}"
    with pytest.raises(InputError, match=sentence):
        check_samples(has_gpu)
    with sampler(True, [torch.device("cuda:0" if has_gpu else "cpu")]) as sampling:
        assert sampling is None
    assert sentence in caplog.text


def test_nobody_samples_unasked() -> None:
    with sampler(False, CPU) as sampling:
        assert sampling is None
