"""A small invented study: scores, similarities and per-item statistics that fit each other, for tests of reports."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd

from panda_ray.tasks.measures.scores import reduce, statistics
from panda_ray.tracking.reading.study import (
    CELL_COLUMNS,
    SCORE_COLUMNS,
    SIMILARITY_COLUMNS,
    Failure,
    ItemStatistics,
    Study,
    TaskInfo,
    Training,
)

TASKS = {
    "rte": TaskInfo("nli", "accuracy"),
    "cb": TaskInfo("nli", "accuracy"),
    "mrpc": TaskInfo("semantic_matching", "accuracy"),
    "stsb": TaskInfo("semantic_matching", "pearson_spearman_mean"),
    "cola": TaskInfo("other", "matthews"),
    "conll04": TaskInfo("ner", "span_f1"),
}
SOURCES = tuple(TASKS)
TARGETS = ("cb", "stsb", "cola", "conll04")
METHODS = {"prompt_tuning": "prompt_tuning", "pot": "pot", "panda": "panda"}
LIFT = {"prompt_tuning": 0.0, "pot": -0.1, "panda": 0.15}
"""How far a method moves an item's chance of a right answer towards certainty, before relatedness."""


def related(source: str, target: str) -> bool:
    return bool(source) and TASKS[source].group == TASKS[target].group


def item_statistics(measure: str, skill: float, items: int, generator: np.random.Generator) -> np.ndarray:
    """Statistics (I, M) of a measure for predictions that are right with probability `skill`."""
    truth = np.random.default_rng(1)
    if measure == "pearson_spearman_mean":
        reference = truth.normal(size=items)
        values = skill * reference + (1 - skill) * generator.normal(size=items)
    elif measure == "span_f1":
        reference = [["B-Loc", "I-Loc", "O", "B-Per"] for _ in range(items)]
        values = [tags if generator.random() < skill else ["O"] * 4 for tags in reference]
    elif measure == "squad_f1":
        reference = [{"answers": ["red fox"]} for _ in range(items)]
        values = ["red fox" if generator.random() < skill else "red" for _ in range(items)]
    else:
        reference = truth.integers(0, 2, items)
        values = np.where(generator.random(items) < skill, reference, 1 - reference)
    return statistics(measure, list(values), list(reference))


EPOCHS = 120
"""More than a chart draws."""


def invented_training(skill: float, seed: int) -> Training:
    """A curve that rises to the skill, in percent, and a loss that falls."""
    generator = np.random.default_rng(seed)
    rise_E = 1 - np.exp(-np.arange(1, EPOCHS + 1) / 10)
    score = 100 * skill * rise_E + generator.normal(size=EPOCHS)
    return Training(tuple(0.7 - 0.5 * rise_E), tuple(score), seconds=12.5, peak_memory_bytes=3 << 29)


def invented_study(
    backbones: tuple[str, ...] = ("bert-tiny",), seeds: tuple[int, ...] = (11, 12, 13), items: int = 80
) -> Study:
    """A complete study; PanDa is above PoT, related sources help."""
    cells, scores, similarity = [], [], []
    examples: dict[str, ItemStatistics] = {}
    trainings: dict[str, Training] = {}
    for backbone in backbones:
        for seed in seeds:
            for target in TARGETS:
                for method, source in [("prompt_tuning", ""), *((m, s) for m in ("pot", "panda") for s in SOURCES)]:
                    key = hashlib.sha256(f"{backbone} {seed} {method} {source} {target}".encode()).hexdigest()
                    generator = np.random.default_rng(int(key[:8], 16))
                    skill = 0.72 + 0.2 * LIFT[method] + (0.1 if related(source, target) else 0.0)
                    measure = TASKS[target].measure
                    unit = ItemStatistics(
                        select_I=np.arange(items) % 2 == 0,
                        best_IM=item_statistics(measure, skill, items, generator),
                        honest_IM=item_statistics(measure, skill - 0.01, items, generator),
                    )
                    examples[key] = unit
                    trainings[key] = invented_training(skill, int(key[:8], 16))
                    paper, honest = (reduce(measure, unit.of(protocol)) for protocol in ("paper", "honest"))
                    cell = (backbone, method, source, target, seed, key)
                    cells.append(cell)
                    first = paper - 6 * generator.random()
                    scores.append((*cell[:5], paper, paper - 0.5, first, measure, key, paper, honest))
                for source in SOURCES:
                    generator = np.random.default_rng([seed, SOURCES.index(source), TARGETS.index(target)])
                    close = 1.0 if source == target else 0.8 if related(source, target) else 0.2
                    similarity += [
                        (backbone, "task_embedding", source, target, seed, close - 0.1 * generator.random()),
                        (backbone, "e_avg", source, target, seed, close / 4 - 0.3 * generator.random()),
                        (backbone, "constant", source, target, seed, 1.0),
                    ]
    return Study(
        sweep="invented",
        protocol="paper",
        backbones=backbones,
        sources=SOURCES,
        targets=TARGETS,
        tasks=TASKS,
        methods=METHODS,
        metrics=("task_embedding", "e_avg", "constant"),
        cells=pd.DataFrame(cells, columns=list(CELL_COLUMNS)),
        scores=pd.DataFrame(scores, columns=list(SCORE_COLUMNS)),
        similarity=pd.DataFrame(similarity, columns=list(SIMILARITY_COLUMNS)),
        examples=examples,
        trainings=trainings,
        provenance={"versions": {"panda_ray": "0.0"}, "commit": "0" * 40},
    )


FUSED = ("rte+mrpc", "cb+cola+stsb")


def fused_study(items: int = 40) -> Study:
    """A study with a method of several sources, "fusion", beside the others: two lists, on every target."""
    study = invented_study(items=items)
    parts: list[list[pd.DataFrame]] = [[study.cells], [study.scores]]
    keys = dict(zip(FUSED, ("rte", "cb"), strict=True))
    examples = dict(study.examples)
    for text, like in keys.items():
        for part, frame in zip(parts, (study.cells, study.scores), strict=True):
            rows = frame[(frame["method"] == "panda") & (frame["sources"] == like)]
            part.append(
                rows.assign(method="fusion", sources=text, key=rows["key"].str.replace("^..", like, regex=True))
            )
        for key in parts[0][-1]["key"]:
            (original,) = [each for each in study.examples if each[2:] == key[len(like) :]]
            examples[key] = study.examples[original]
    return replace(
        study,
        methods={**METHODS, "fusion": "panda_fusion"},
        cells=pd.concat(parts[0], ignore_index=True),
        scores=pd.concat(parts[1], ignore_index=True),
        examples=examples,
    )


def unbalanced_study(items: int = 40) -> Study:
    """A study with holes of every kind: a target with fewer sources, transfers with fewer seeds, missing baselines."""
    study = invented_study(items=items)
    scores = study.scores
    holes = (
        ((scores["target"] == "cb") & scores["sources"].isin(["mrpc", "stsb", "cola", "conll04"]))
        | ((scores["sources"] == "rte") & (scores["target"] == "cola") & (scores["seed"] != 12))
        | ((scores["sources"] == "cola") & (scores["target"] == "cola") & (scores["method"] == "pot"))
        | ((scores["sources"] == "mrpc") & (scores["seed"] == 13))
        | ((scores["method"] == "prompt_tuning") & (scores["target"] == "conll04"))
        | ((scores["method"] == "prompt_tuning") & (scores["target"] == "stsb") & (scores["seed"] == 11))
    )
    return replace(study, scores=scores[~holes])


def without_cell(study: Study, method: str, source: str, target: str) -> Study:
    """The same study before one cell was computed, with the failure that is the reason."""
    gone = (study.scores["method"] == method) & (study.scores["sources"] == source) & (study.scores["target"] == target)
    failure = Failure(study.backbones[0], method, source, target, 11, "failed", "loss is NaN in epoch 2 <script>")
    return replace(study, scores=study.scores[~gone], failures=(failure,), skipped=(("conll05", "licensed"),))
