"""Settings of the benchmarks under which every comparator shows the same loss curve."""

from __future__ import annotations

import torch

from benchmarks.workloads.setting import Method, Setting

CPU = torch.device("cpu")


def one_step_per_epoch(task: str, method: Method, backbone: str = "tiny") -> Setting:
    """Panda_ray says its loss once per epoch, the others at each step; this makes them the same curve."""
    return Setting(backbone, task, method, CPU, rows=8, batch_size=8, epochs=4, dropout=0.0)
