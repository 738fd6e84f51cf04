"""Invented results of a real plan, published through the real store: what training would leave, without training."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.similarity import embedding_bytes
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks import get_task
from panda_ray.tasks.measures.scores import reduce
from support.sweeps.studies import item_statistics

ITEMS = 40
EPOCHS = 3
SECONDS = 12.5
PARAMETERS = 2_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)


BARE = {
    "product": "prompt",
    "identity": {"config": {"max_len": 16, "initialization": "normal", "initialization_scale": 0.02}},
    "method": "prompt_tuning",
    "backbone": "builtin-tiny",
    "seed": 1,
    "seconds": 1.0,
    "device": "cpu",
    "threads": 1,
    "stack": "0" * 32,
    "stack_width": 1,
    "finished_at": "2026-01-01T00:00:00.000+00:00",
    "sources": [],
    "target": "review",
    "protocol": "paper",
    "measure": "accuracy",
    **dict.fromkeys(("score", "score_last", "score_first_epoch", "score_paper", "score_honest"), 61.5),
    "history": [{"epoch": 1, "loss": 0.25}],
    "similarities": [],
    "examples_per_second": 10.0,
}
"""The least that a training's record must have, besides its key."""


def publish(
    plan: Plan, store: Store, keys: Collection[str] | None = None, training_seconds: float | None = None
) -> list[str]:
    """Publish results for these units of a plan (all of them unless given); returns their keys.

    Args:
        training_seconds: in the record of each training, where given.
    """
    chosen = [key for key in plan.units if keys is None or key in keys]
    for position, key in enumerate(chosen):
        unit = plan.units[key]
        finished = START + timedelta(minutes=position)
        if unit.product == "prompt":
            publish_training(unit, store, finished, training_seconds)
        else:
            publish_embedding(unit, store, finished)
    return chosen


def common(unit: Unit, finished: datetime) -> dict[str, object]:
    return {
        "key": unit.key,
        "product": unit.product,
        "identity": unit.identity,
        "method": unit.method,
        "backbone": unit.backbone.name,
        "seed": unit.seed,
        "seconds": SECONDS,
        "device": "cpu",
        "threads": 1,
        "versions": {"torch": torch.__version__},
        "stack": unit.task,
        "stack_width": 2,
        "finished_at": finished.isoformat(timespec="milliseconds"),
    }


def publish_training(unit: Unit, store: Store, finished: datetime, training_seconds: float | None = None) -> None:
    generator = np.random.default_rng(int(unit.key[:8], 16))
    measure = get_task(unit.task).measure
    lift = {"prompt_tuning": 0.0, "pot": 0.02, "panda": 0.08}.get(unit.method, 0.0)
    related = any(get_task(source).group == get_task(unit.task).group for source in unit.sources)
    best, honest = (item_statistics(measure, 0.7 + lift + 0.1 * related, ITEMS, generator) for _ in ("best", "honest"))
    select = np.arange(ITEMS) % 2 == 0
    paper, reported = reduce(measure, best), reduce(measure, honest[~select])
    history = [
        {
            "epoch": epoch + 1,
            "loss": 1.0 / (epoch + 1),
            "score": paper - 3 * (EPOCHS - 1 - epoch),
            "score_select": paper - 2,
            "score_report": reported,
        }
        for epoch in range(EPOCHS)
    ]
    record = {
        **common(unit, finished),
        "sources": list(unit.sources),
        "target": unit.task,
        "protocol": "paper",
        "measure": measure,
        "score": paper,
        "score_last": paper,
        "score_first_epoch": history[0]["score"],
        "score_paper": paper,
        "score_honest": reported,
        "history": history,
        "similarities": [0.5] * len(unit.sources) if unit.method == "panda" else [],
        "examples_per_second": 100.0,
        "trained_parameters": PARAMETERS,
        **({} if training_seconds is None else {"training_seconds": training_seconds}),
        "peak_memory_bytes": (1 + len(unit.dependencies)) << 30,
    }
    store.publish(
        unit.key, record, {"prompt.safetensors": prompt(unit), "predictions.parquet": predictions(select, best, honest)}
    )


def publish_embedding(unit: Unit, store: Store, finished: datetime) -> None:
    group = get_task(unit.task).group
    shared = np.random.default_rng(int(hashlib.sha256(group.encode()).hexdigest()[:8], 16)).normal(size=16)
    own = np.random.default_rng(int(unit.key[:8], 16)).normal(size=16)
    embedding = (shared + 0.5 * own).astype(np.float32)
    files = {"embedding.npy": embedding_bytes(embedding)}
    store.publish(unit.key, {**common(unit, finished), "task": unit.task}, files)


def prompt(unit: Unit) -> bytes:
    generator = torch.Generator().manual_seed(int(unit.key[:8], 16))
    prefix = torch.randn(2, 2, 2, 4, 8, generator=generator)
    return safetensors.torch.save(Prompt(prefix, torch.zeros(2, 16), torch.zeros(2)).tensors())


def predictions(select: np.ndarray, best: np.ndarray, honest: np.ndarray) -> bytes:
    said = [json.dumps(0)] * ITEMS
    columns = {
        "item": pa.array(range(ITEMS), pa.int32()),
        "select": pa.array(select),
        "reference": said,
        "prediction": said,
        "prediction_honest": said,
        **{f"stat_{i}": column for i, column in enumerate(best.T)},
        **{f"honest_{i}": column for i, column in enumerate(honest.T)},
    }
    data = io.BytesIO()
    pq.write_table(pa.table(columns), data)
    return data.getvalue()
