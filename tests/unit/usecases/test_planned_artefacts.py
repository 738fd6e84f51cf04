"""What several artefacts take together: what they share is counted once, with the first that needs it."""

from __future__ import annotations

from pathlib import Path

from panda_ray.reports.reproduction.all_artefacts import get_artefact
from panda_ray.usecases.reproducing.planned_artefacts import plan_artefacts
from support.sweeps.small_sweeps import planned, small_sweep


def test_units_of_an_earlier_artefact_are_shared_and_cost_nothing_again(tmp_path: Path) -> None:
    few, more = small_sweep(tmp_path, sources=["review"]), small_sweep(tmp_path)
    keys, all_keys = (set(planned(sweep)[0].units) for sweep in (few, more))
    table5, table6 = get_artefact("table5"), get_artefact("table6")

    first, second, again = plan_artefacts([(table5, few), (table6, more), (table5, more)])
    assert keys < all_keys
    assert (first.units, first.shared, first.to_run) == (len(keys), 0, len(keys))
    assert (second.units, second.shared, second.to_run) == (len(all_keys), len(keys), len(all_keys) - len(keys))
    assert (again.shared, again.to_run) == (len(all_keys), 0)
    (alone,) = plan_artefacts([(table6, more)])
    assert first.ahead is not None
    assert second.ahead is not None
    assert again.ahead is not None
    assert alone.ahead is not None
    assert 0 == again.ahead.seconds < second.ahead.seconds < alone.ahead.seconds
    assert second.missing == {"panda-constant": 1, "panda-e_avg": 1, "panda-on": 1}


def test_one_that_cannot_be_run_says_why_and_is_planned_by_published_sizes_and_so_are_the_others(
    tmp_path: Path,
) -> None:
    absent = small_sweep(tmp_path, sources=["rte"], targets=["cb"], data_root=str(tmp_path), tasks={})
    table5 = get_artefact("table5")
    wrong = small_sweep(tmp_path, resources={"gpu_memory_gib": 0.001})
    lost, found, refused = plan_artefacts([(table5, absent), (table5, small_sweep(tmp_path)), (table5, wrong)])
    assert lost.trouble is not None
    assert lost.trouble.startswith("sweep 'small' has no cell left to run: task ")
    assert lost.ahead is not None
    assert lost.to_run == lost.units > 0
    assert lost.ahead.seconds > 0
    assert (found.trouble, found.to_run) == (None, found.units)
    assert refused.trouble is not None
    assert refused.trouble.startswith("resources.gpu_memory_gib: ")
    assert (refused.units, refused.ahead) == (0, None)
