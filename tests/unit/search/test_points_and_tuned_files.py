"""A search whose sweep has a tuned file: what a point leaves open comes from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.units.graph import Graph
from panda_ray.search.points import Points, addresses
from panda_ray.training.config import TrainConfig
from support.sweeps.searches import small_search

CHOSEN = {"backbone": "builtin-tiny", "method": "prompt_tuning", "task": "remark"}


def trial_config(folder: Path, training: dict[str, Any], point: dict[str, Any]) -> TrainConfig:
    """Of a point's training, under a tuned file and the `training` of a sweep."""
    said = {"lr": 0.5, "dropout": 0.3, "weight_decay": 0.2}
    tuned = {"format": 1, "chosen": [CHOSEN | {"training": said}]}
    sweep = small_search(folder, training=training, hyperparameters=tuned)
    catalog = read_catalog(sweep)
    graph = Graph(sweep, catalog)
    (address,) = addresses(sweep, graph, catalog)
    config = graph.units[Points(sweep, graph, address).keys(point)[0]].config
    assert config is not None
    return config


@pytest.mark.parametrize(
    ("training", "point", "expected"),
    [
        ({}, {"lr": 0.01}, (0.01, 0.3, 0.2)),
        ({"dropout": 0.1}, {"lr": 0.01}, (0.01, 0.1, 0.2)),
        ({"dropout": 0.1}, {"lr": 0.01, "dropout": 0.0}, (0.01, 0.0, 0.2)),
    ],
)
def test_a_point_goes_before_the_sweep_file_and_that_before_the_tuned_file(
    tmp_path: Path, training: dict[str, Any], point: dict[str, Any], expected: tuple[float, float, float]
) -> None:
    config = trial_config(tmp_path, training, point)
    assert (config.lr, config.dropout, config.weight_decay) == expected
