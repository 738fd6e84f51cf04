"""The notebooks of docs/ run from the first cell to the last, on a study cut small, and show what they promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
ROWS = {"max_train_rows": 32, "max_dev_rows": 16}
CHANGES = {
    "sources": ["review", "kinds"],
    "targets": ["remark", "duplicate", "choice", "bulletin"],
    "methods": ["prompt_tuning", "pot"],
    "metrics": ["e_avg"],
    "seeds": [11],
    "training.epochs": 1,
    "tasks": dict.fromkeys(("review", "kinds", "remark", "duplicate", "choice", "bulletin"), ROWS),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[nbformat.NotebookNode]]:
    """The code cells of each notebook with their outputs; the second one goes on from the study of the first."""
    folder = tmp_path_factory.mktemp("notebooks")
    return {name: code_cells(name, folder) for name in ("first_sweep", "choose_a_source")}


def code_cells(name: str, folder: Path) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    assert parameters.source == "changes = {}"
    parameters.source = f"changes = {CHANGES!r}"
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[nbformat.NotebookNode], source: str) -> str:
    """The HTML that the cell which ends in `source` shows."""
    (cell,) = [cell for cell in cells if cell.source.endswith(source)]
    return "".join(page for output in cell.outputs for page in htmls_of(output))


def htmls_of(output: nbformat.NotebookNode) -> Iterator[str]:
    if "data" in output and "text/html" in output.data:
        yield output.data["text/html"]


def test_a_plan_and_a_run_and_the_tables_are_html(executed: dict[str, list[nbformat.NotebookNode]]) -> None:
    cells = executed["first_sweep"]
    plan = shown(cells, "sweep.plan()")
    assert "source prompts" in plan
    assert "stacks to run, about" in plan
    run = shown(cells, "ended")
    assert "<progress max='8' value='8'>" in run, "the last picture has every transfer"
    assert "12 of 12 cells done" in run
    assert "pot against prompt tuning" in run
    table = shown(cells, 'na_rep="")')
    assert "oracle" in table
    assert "choice" in table


def test_figures_are_drawn_in_place(executed: dict[str, list[nbformat.NotebookNode]]) -> None:
    figures = shown(executed["first_sweep"], "sweep.figures()")
    assert figures.count("<svg") >= 2
    assert "Transfer gain of every pair" in figures


def test_nothing_is_on_stderr_but_that_bars_of_other_libraries_want_widgets(
    executed: dict[str, list[nbformat.NotebookNode]],
) -> None:
    for cells in executed.values():
        said = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
        assert all("update jupyter and ipywidgets" in text for text in said), said


def test_sources_are_ranked_with_a_predicted_gain(executed: dict[str, list[nbformat.NotebookNode]]) -> None:
    ranked = shown(executed["choose_a_source"], "ranked")
    assert ranked.index("similarity") < ranked.index("low") < ranked.index("measured")
    for source in CHANGES["sources"]:
        assert f"<td>{source}</td>" in ranked
    assert "NaN" not in ranked
