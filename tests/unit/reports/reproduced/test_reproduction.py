"""Every table through our code from the cells that the paper prints: to the last printed digit, but for the errata."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from panda_ray.errors import InputError
from panda_ray.reports.paper import TABLES, paper_rows
from panda_ray.reports.reproduction.all_artefacts import ARTEFACTS, get_artefact
from panda_ray.reports.reproduction.paper_table import Entry, Table
from panda_ray.reports.reproduction.value import Value, best_of, difference, mean_of, printed, rounded
from panda_ray.usecases.reproducing.printed_tables import printed_tables

LABELS = {
    "model_tuning": "model tuning",
    "prompt_tuning": "prompt tuning (Lester et al.)",
    "p_tuning_v2": "prompt tuning (P-tuning v2)",
    "vanilla_pot": "vanilla PoT",
    "panda": "PanDa",
    "attempt": "ATTEMPT",
    "sesom": "SESoM",
    "panda_early": "PanDa, early fusion",
    "panda_late": "PanDa, late fusion",
}
CHOSEN = {
    "vanilla_pot_oracle": ("vanilla PoT", "oracle"),
    "vanilla_pot_top3_e_avg": ("vanilla PoT", "top-3 by E_avg"),
    "panda_oracle": ("PanDa", "oracle"),
    "panda_top3_ours": ("PanDa", "top-3 by task embedding"),
}
METRICS = {"e_avg": "E_avg", "on": "ON", "ours": "task embedding", "constant": "constant"}
GRIDS = {"bert-large": "table2"} | {name: table.split("_")[0] for name, table in TABLES.items() if name != "bert-large"}

Place = tuple[tuple[str, ...], str]
"""The names of a row, and a column; a column that ends in `gain` is what stands beside its number."""


def grid(backbone: str) -> Iterator[tuple[Place, str]]:
    def row(method: str, source: str) -> tuple[str, ...]:
        return CHOSEN.get(method) or (LABELS[method], source)

    for each in paper_rows(TABLES[backbone]):
        yield (row(each["method"], each["source"]), each["target"]), each["score"]
    for each in paper_rows(f"{TABLES[backbone]}_avg"):
        yield (row(each["method"], each["source"]), "average"), each["avg_reported"]
        yield (row(each["method"], each["source"]), "average gain"), each["gain_reported"]


def sizes() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table3_averages"):
        yield ((LABELS[each["method"]], each["source"]), f"bert-{each['backbone']}"), each["avg"]


def several_sources() -> Iterator[tuple[Place, str]]:
    settings = {"single": "one, mean", "multi": "all", "none": "none"}
    for each in paper_rows("table4_multitask"):
        row = (settings[each["setting"]], LABELS[each["method"].removesuffix("_avg")])
        yield (row, "average"), each["avg"]
        yield (row, "gain"), each["gain"]


def teachers() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table5_teacher"):
        yield ((LABELS[each["method"]], each["teacher"].replace("_", "-")), f"bert-{each['backbone']}"), each["avg"]


def weights() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table6_metric_weight"):
        yield ((LABELS[each["method"]], METRICS.get(each["metric"], "")), f"bert-{each['backbone']}"), each["avg"]


def losses() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table7_kd_loss"):
        yield ((each["source"], each["kd_loss"].upper()), f"bert-{each['backbone']}"), each["avg"]


def examples() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table8_similarity"):
        yield ((each["samples"],), each["target"]), each["similarity"]


def deviations() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table9_similarity_std"):
        yield (("standard deviation",), each["source"]), each["std"]
        yield (("|100 examples - mean|",), each["source"]), each["abs_ours_minus_avg"]


def types() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table10_same_diff"):
        yield ((METRICS[each["metric"]], each["pair_type"]), f"bert-{each['backbone']}"), each["similarity_percent"]


def families() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table11_other_backbones"):
        yield ((each["model"], LABELS[each["method"]]), each["target"]), each["score"]
    for each in paper_rows("table11_other_backbones_avg"):
        yield ((each["model"], LABELS[each["method"]]), "average"), each["avg_reported"]
        yield ((each["model"], LABELS[each["method"]]), "average gain"), each["gain_reported"]


def costs() -> Iterator[tuple[Place, str]]:
    for each in paper_rows("table12_cost"):
        yield ((LABELS[each["method"]],), "trainable parameters (M)"), each["trainable_params_million"]
        yield ((LABELS[each["method"]],), "seconds"), each["seconds"]


def only_table(artefact: str) -> Table:
    (table,) = printed_tables(get_artefact(artefact)).values()
    return table


def bars() -> Iterator[tuple[Place, str]]:
    names = {name: LABELS[name] for name in ("model_tuning", "prompt_tuning", "p_tuning_v2")}
    names |= {name: f"{LABELS[name]}, best source" for name in ("vanilla_pot", "panda")}
    for backbone, table in TABLES.items():
        averages = paper_rows(f"{table}_avg")
        for method, row in names.items():
            best = max(float(each["avg_reported"]) for each in averages if each["method"] == method)
            yield ((row,), backbone), str(best)


def starts() -> Iterator[tuple[Place, str]]:
    """Of the picture, only what Table II has too."""
    rows = [each for each in paper_rows("table2_bert_large") if each["method"] == "p_tuning_v2"]
    yield from (((("normal",), each["target"]), each["score"]) for each in rows)
    (mean,) = (each for each in paper_rows("table2_bert_large_avg") if each["method"] == "p_tuning_v2")
    yield (("normal",), "average"), mean["avg_reported"]


def rivals() -> Iterator[tuple[Place, str]]:
    """Of the picture, only what Table XV has too."""
    places = {
        ("model_tuning", ""): ("alone", "model tuning"),
        ("p_tuning_v2", ""): ("alone", LABELS["p_tuning_v2"]),
        ("panda", "mnli"): ("with PanDa", LABELS["p_tuning_v2"]),
    }
    for each in paper_rows("table15_bert_small_avg"):
        if (place := places.get((each["method"], each["source"]))) is not None:
            yield ((place[0],), place[1]), each["avg_reported"]


PRINTED = {
    "table3": sizes,
    "table4": several_sources,
    "table5": teachers,
    "table6": weights,
    "table7": losses,
    "table8": examples,
    "table9": deviations,
    "table10": types,
    "table11": families,
    "table12": costs,
    "figure1": bars,
    "figure2": starts,
    "figure6": rivals,
} | {name: (lambda backbone=backbone: grid(backbone)) for backbone, name in GRIDS.items()}


def shown(table: Table) -> dict[Place, str]:
    """What a table shows, as text."""
    found: dict[Place, str] = {}
    for line in table.lines:
        for column, entry in zip(table.columns, line.entries, strict=True):
            if isinstance(entry, Entry):
                found |= {
                    (line.names, column): text(entry.value, entry),
                    (line.names, f"{column} gain"): text(entry.gain, entry),
                }
    return {place: number for place, number in found.items() if number}


def text(value: Value | None, entry: Entry) -> str:
    return "" if value is None else rounded(value.mean, entry.digits)


def deviating(artefact: str) -> set[tuple[str, str]]:
    """What the paper prints and what its own cells give, where they differ."""
    theirs = {place: number for place, number in PRINTED[artefact]() if number}
    ours = shown(only_table(artefact))
    extra = {
        place
        for place in ours.keys() - theirs.keys()
        if place[0][1:] not in (("oracle",),) and "top-3" not in place[0][-1]
    }
    assert not theirs.keys() - ours.keys(), "the table lacks printed numbers"
    assert not extra, "the table has numbers that the paper has not"
    return {(theirs[place], ours[place]) for place in theirs if Decimal(theirs[place]) != Decimal(ours[place])}


@pytest.mark.parametrize("artefact", PRINTED)
def test_every_number_is_the_printed_one_but_for_the_errata(artefact: str) -> None:
    errata = {
        (row["printed"], row["recomputed"])
        for row in paper_rows("errata")
        if row["table"].split("_")[0] == artefact and row["recomputed"]
    }
    assert deviating(artefact) == errata


def test_all_sixteen_tables_and_some_figures_are_there_in_the_papers_order() -> None:
    assert list(ARTEFACTS) == [
        *(f"table{number}" for number in range(1, 17)),
        "figure1",
        "figure2",
        "figure4",
        "figure5",
        "figure6",
        "figure7",
        "figure8",
        "figure9",
        "claims",
    ]
    assert {name for name in ARTEFACTS if ARTEFACTS[name].sweep is None} == {"table1"}
    assert len(only_table("table1").lines) == 21
    with pytest.raises(InputError, match="unknown table or figure 'tabel4'; did you mean 'table4'"):
        get_artefact("tabel4")


CLAIMS = {
    "mean gain of PanDa over vanilla PoT, all tasks and sizes": ("mean gain of PanDa over PoT", "all"),
    "largest average gain for one source": ("largest average gain of a source", "all"),
    "cells where PanDa is above vanilla PoT": ("cells with PanDa above PoT", "all"),
    "PanDa source rows whose average beats model tuning": ("sources whose PanDa average is above model tuning", "all"),
    "cells more than 10 points below P-Tuning-v2, vanilla PoT": (
        "cells of PoT more than 10 points below prompt tuning",
        "all",
    ),
    "cells more than 10 points below P-Tuning-v2, PanDa": (
        "cells of PanDa more than 10 points below prompt tuning",
        "all",
    ),
} | {
    f"mean gain, BERT-{size}": ("mean gain of PanDa over PoT", f"bert-{size}")
    for size in ("large", "base", "medium", "small", "tiny")
}


TABLE_IV = ("PanDa", "vanilla PoT")
"""Methods whose mean over three sources is in claims.csv."""


def test_claims_come_out_as_they_do_from_the_printed_cells() -> None:
    lines = {line.names: line for line in only_table("claims").lines}
    known = {row["claim"]: row["recomputed"] for row in paper_rows("claims")}
    for claim, names in CLAIMS.items():
        value, of, interval, _ = lines[names].entries
        assert isinstance(value, Entry)
        assert value.value is not None
        assert isinstance(of, str)
        assert interval == "–", "the paper has no dev items"
        if " of " in known[claim]:
            assert of == known[claim].replace(" of ", "/")
        else:
            assert value.value.mean == pytest.approx(float(known[claim]), abs=0.05 if "largest" in claim else 5e-4)
    value, of, _, verdict = lines["mean gain of PanDa over PoT from MNLI, QNLI and QQP", "bert-base"].entries
    means = {method: float(known[f"{method} average of MNLI, QNLI, QQP on BERT-base"]) for method in TABLE_IV}
    assert isinstance(value, Entry)
    assert value.value is not None
    assert value.value.mean == pytest.approx(means["PanDa"] - means["vanilla PoT"], abs=0.01)
    assert (of, verdict) == ("27", "sign alone")
    assert lines["cells with PanDa above PoT", "all"].entries[-1] == "holds"
    assert lines["mean gain of PanDa over PoT", "bert-large"].entries[-1] == "sign alone"
    assert lines["cells of PanDa more than 10 points below prompt tuning", "all"].entries[-1] == "holds"
    assert lines["cells of PoT more than 10 points below prompt tuning", "all"].entries[-1] == "sign alone"
    order = lines["neighbouring sizes of which the larger has the higher mean of PanDa", "all"].entries
    assert (order[1], order[-1]) == ("4/4", "sign alone")


def test_cells_that_collapsed_are_counted_as_the_papers_claims_count_them() -> None:
    fell = {"vanilla PoT": 0, "PanDa": 0}
    for name in GRIDS.values():
        table = only_table(name)
        for line in table.lines:
            method, source = line.names
            if source and source != "oracle" and "top-3" not in source:
                count, of = str(line.entries[table.columns.index("collapsed")]).split("/")
                assert of == "9"
                fell[method] += int(count)
    assert fell == {"vanilla PoT": 27, "PanDa": 0}
    per_size = {line.names: [str(entry).split("/") for entry in line.entries] for line in only_table("figure1").lines}
    for method, count in fell.items():
        counted = per_size[f"{method}, collapsed of all sources",]
        assert [of for _, of in counted] == ["189"] * 5
        assert sum(int(part) for part, _ in counted) == count
    of_sizes = {line.names: line.entries[-1] for line in only_table("table3").lines}
    assert of_sizes["vanilla PoT", "record"] == "4/36"
    assert of_sizes["prompt tuning (P-tuning v2)", ""] == ""


def test_rounding_is_half_up_from_the_number_that_is_meant() -> None:
    assert rounded(sum([77.0, 77.1]) / 2, 1) == "77.1"
    assert (rounded(0.25, 1), rounded(-0.25, 1), rounded(-0.04, 1)) == ("0.3", "-0.3", "0.0")


def test_means_and_differences_are_over_common_seeds_and_need_every_cell() -> None:
    both, one = Value({1: 80.0, 2: 90.0}, expected=2), Value({2: 70.0}, expected=2)
    assert mean_of([both, one]) == Value({2: 80.0}, expected=2)
    assert difference(both, one) == Value({2: 20.0}, expected=2)
    assert mean_of([both, None]) is None
    assert difference(both, printed(1.0)) is None
    assert best_of([None, one, both]) == both
