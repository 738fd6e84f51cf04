"""What a store tells of cells for the paper's tables: what each took, with everything that it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.reports.reproduction.asked import Answer
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.usecases.reproducing.stored_cells import StoredCells
from support.sweeps.records import ITEMS, PARAMETERS, SECONDS, publish
from support.sweeps.small_sweeps import planned, small_sweep

CELLS = {"prompt_tuning": "", "pot": "review", "panda": "review"}
TRAININGS = {"prompt_tuning": 1, "pot": 2, "panda": 4}
"""Of a cell's chain: the source prompt; for PanDa its teacher, and the target's own prompt, of which similarity is."""
EMBEDDINGS = {"prompt_tuning": 0, "pot": 0, "panda": 2}


@pytest.mark.parametrize("method", CELLS)
def test_a_cell_costs_what_its_whole_chain_took_and_the_memory_of_its_largest(tmp_path: Path, method: str) -> None:
    sweep = small_sweep(tmp_path, seeds=[1, 2])
    plan, store = planned(sweep)
    publish(plan, store, training_seconds=10.0)
    cell, stored = ("builtin-tiny", method, CELLS[method], "remark"), StoredCells(sweep)
    seconds = 10.0 * TRAININGS[method] + SECONDS * EMBEDDINGS[method]
    assert stored.costs("seconds", *cell) == dict.fromkeys((1, 2), seconds)
    assert stored.costs("parameters", *cell) == dict.fromkeys((1, 2), TRAININGS[method] * PARAMETERS / 1e6)
    largest = {"prompt_tuning": 1, "pot": 2}
    if method in largest:
        assert stored.costs("memory", *cell) == dict.fromkeys((1, 2), largest[method])


def test_answers_are_in_words_beside_the_text_of_the_item_that_they_are_to(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, tasks={"remark": {"max_dev_rows": ITEMS}}, methods=["prompt_tuning"], seeds=[1, 2])
    plan, store = planned(sweep)
    publish(plan, store, {cell.key for cell in plan.cells if cell.seed == 2})
    found = StoredCells(sweep).answers("builtin-tiny", "prompt_tuning", "", "remark")
    remark = get_task("remark")
    rows = load_rows(remark, max_dev_rows=ITEMS).dev
    name = remark.labels[0]
    assert remark.first is not None
    assert found == {2: [Answer(remark.first(row), name, name) for row in rows]}


def test_a_cell_without_its_chain_costs_nothing_that_is_known(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    plan, store = planned(sweep)
    teachers = {key for key, role in plan.role_of.items() if role == "teacher"}
    publish(plan, store, plan.units.keys() - teachers)
    stored = StoredCells(sweep)
    assert stored.costs("seconds", "builtin-tiny", "panda", "review", "remark") == {}
    assert stored.costs("seconds", "builtin-tiny", "pot", "review", "remark") == {1: 2 * SECONDS}
    assert stored.costs("seconds", "builtin-tiny", "pot", "nothing", "remark") == {}
