"""Figure 8: single dev items, after PoT and after PanDa."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from panda_ray.reports.reproduction.all_artefacts import get_artefact
from panda_ray.reports.reproduction.asked import Answer, Axes, Quantity
from panda_ray.reports.reproduction.written.table_files import compared_tables, write_tables
from support.sweeps.studies import invented_study

SAID = {"model_tuning": "yyyy", "source_model": "nyny", "pot": "ynny", "panda": "yyyn"}
"""What each method says of four items whose truth is y."""


class FourItems:
    """A store that knows what was said after transfer from rte, under two seeds."""

    def costs(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Mapping[int, float]:
        return {}

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        if method not in SAID or sources not in ("", "rte"):
            return {}
        said = [Answer(f"item | {index} " + "x" * 300, "y", word) for index, word in enumerate(SAID[method])]
        return dict.fromkeys((12, 11), said)


def test_items_that_pot_loses_and_panda_finds_are_listed_with_what_others_say_and_the_reverse_is_counted(
    tmp_path: Path,
) -> None:
    artefact, axes = get_artefact("figure8"), Axes(("bert-tiny",), ("rte", "mrpc"), ("cb",))
    tables = compared_tables(artefact, invented_study(), axes, FourItems())
    assert list(tables) == ["Figure 8: what PoT gets wrong and PanDa right, BERT-tiny, CB, RTE"], "mrpc has no answers"
    (table,) = tables.values()
    assert table.columns == (
        "truth",
        "model tuning",
        "prompt tuning (P-tuning v2)",
        "the source's model",
        "vanilla PoT",
        "PanDa",
    )
    right, alone, *cases = table.lines
    assert right.entries == ("", "4/4", "", "2/4", "2/4", "3/4")
    assert alone.entries == ("", "", "", "", "1", "2")
    assert [(line.names[0], line.entries) for line in cases] == [
        ("1", ("y", "y", "", "y", "n", "y")),
        ("2", ("y", "y", "", "n", "n", "y")),
    ]
    assert all(len(line.names[1]) == 240 for line in cases)
    assert table.notes[0].startswith("Similarity by task embedding: 0.7")
    assert table.notes[1] == "Seed 11."
    write_tables(artefact, tables, tmp_path)
    assert "item \\| 1 xx" in (tmp_path / "figure8.md").read_text()
    assert r"\begin{tabular}{lp{0.5\textwidth}l" in (tmp_path / "figure8.tex").read_text(), "long texts have lines"
