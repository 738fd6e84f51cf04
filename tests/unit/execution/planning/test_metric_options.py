"""A metric's options on their way from the sweep file to the embedding, the similarity and the student's loss."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.writing.similarity_table import Similarities
from support.sweeps.small_sweeps import run_inline, small_sweep

OPTIONS = {"examples": 50, "compare": "mean_of_cosines", "feature": "pooler", "seed": 3}
DEFAULT = {"examples": 100, "compare": "cosine_of_means", "feature": "last_hidden", "seed": 0}


def panda(label: str, options: dict[str, Any]) -> dict[str, Any]:
    metric = {"metric": "task_embedding", "options": options}
    return {"method": "panda", "label": label, "options": {"metric": metric, "kd_weight": 5.0}}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Store]:
    """One pair under both sets of options; the report lists a third."""
    folder: Path = tmp_path_factory.mktemp("store")
    listed = {"metric": "task_embedding", "label": "listed", "options": {"examples": 200}}
    sweep = small_sweep(
        folder,
        sources=["review"],
        methods=[panda("theirs", OPTIONS), panda("default", DEFAULT)],
        metrics=[listed],
        training={"epochs": 1, "prompt_len": 4, "batch_size": 16, "dropout": 0.0},
        tasks={task: {"max_train_rows": 48, "max_dev_rows": 24} for task in ("review", "remark")},
    )
    return run_inline(sweep), Store(str(folder))


def embeddings(plan: Plan, store: Store, label: str) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    (cell,) = [cell for cell in plan.cells if cell.method == label]
    needed = plan.units[cell.key].dependencies
    keys = [needed[role] for role in ("source_embedding", "target_embedding")]
    files = [store.read_file(key, "embedding.npy") for (key,) in keys]
    return [np.load(io.BytesIO(data)) for data in files]


def test_embeddings_are_taken_under_the_options_of_the_method(ran: tuple[Plan, Store]) -> None:
    theirs, default = embeddings(*ran, "theirs"), embeddings(*ran, "default")
    assert {len(embedding) for embedding in theirs} == {50}
    assert {len(embedding) for embedding in default} == {72}, "all rows there are"
    assert not np.allclose(theirs[0].mean(axis=0), default[0].mean(axis=0), atol=1e-3)


def test_the_student_is_weighed_under_the_options_of_the_method(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    for label in ("theirs", "default"):
        source, target = (embedding.astype(np.float64) for embedding in embeddings(plan, store, label))
        if label == "theirs":
            unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (source, target)]
            expected = float((unit[0] @ unit[1].T).mean())
        else:
            means = source.mean(axis=0), target.mean(axis=0)
            expected = float(means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1]))
        (cell,) = [cell for cell in plan.cells if cell.method == label]
        assert store.known(cell.key)["similarities"] == [pytest.approx(expected, rel=1e-5)]
    losses = [store.known(cell.key)["history"][0]["loss"] for cell in plan.cells]
    assert losses[0] != losses[1], "the similarity weighs the loss"


def test_the_report_gets_each_similarity_under_its_own_label_and_options(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    frame = Similarities(plan, store).frame(set(plan.units)).set_index("metric")["similarity"]
    assert list(frame.index) == [
        "listed",
        "task_embedding (examples=50, compare=mean_of_cosines, feature=pooler, seed=3)",
        "task_embedding (examples=100, compare=cosine_of_means, feature=last_hidden, seed=0)",
    ]
    recorded = {cell.method: store.known(cell.key)["similarities"][0] for cell in plan.cells}
    assert frame.iloc[1] == pytest.approx(recorded["theirs"])
    assert frame.iloc[2] == pytest.approx(recorded["default"])
