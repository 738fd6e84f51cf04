from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from panda_ray.reports.build import write_report
from panda_ray.reports.figures.drawing import INK
from panda_ray.reports.figures.heatmaps import by_group, similarity_map
from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.written_report import Report
from support.sweeps.studies import invented_study, without_cell

REPLICATES = 100


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    study = without_cell(invented_study(items=30), "panda", "cola", "cb")
    return write_report(study, tmp_path_factory.mktemp("report"), REPLICATES)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return report.paths[0].read_text(encoding="utf-8")


def test_every_file_is_there(report: Report) -> None:
    names = {path.name for path in report.paths}
    assert report.paths[0].name == "report.html"
    assert {"scores.csv", "similarity.csv", "table_bert-tiny.md", "table_bert-tiny.tex"} <= names
    assert {
        f"similarity_{metric}_bert-tiny.{end}" for metric in ("task_embedding", "e_avg") for end in ("svg", "png")
    } <= names
    assert all(path.stat().st_size > 0 for path in report.paths)
    assert not any("constant" in name for name in names), "a metric that says the same of every pair has no map"


def test_page_asks_nothing_of_other_hosts(page: str) -> None:
    assert re.findall("<script[^>]*>", page) == [
        *(f'<script type="application/json" id="{name}">' for name in ("finished", "trainings", "cases")),
        "<script>",
    ]
    assert "default-src 'none'" in page
    assert "<link" not in page
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', page)) | set(re.findall(r"url\(([^)]+)\)", page))
    assert all(address.startswith(("#", "data:")) for address in addresses), addresses
    assert "@import" not in page


def test_page_is_well_formed_and_starts_with_the_findings(page: str, report: Report) -> None:
    void = {"meta", "br"}
    stack: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in void:
                stack.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert stack.pop() == tag

    Checker().feed(page)
    assert not stack
    assert page.index("What was found") < page.index("<svg")
    assert report.headline[0].split(":")[0] in page


def test_what_users_wrote_is_escaped(page: str) -> None:
    assert "loss is NaN in epoch 2 &lt;script&gt;" in page


def test_missing_cells_are_shown_as_missing(page: str) -> None:
    assert "3 cells without a result" in page
    assert "panda, cola → cb, seed 11" in page
    assert "conll05" in page


def test_page_stands_beside_the_paper_where_it_has_the_backbone(page: str) -> None:
    assert "Beside the paper" in page
    study = invented_study(("builtin-tiny",), seeds=(11,), items=20)
    assert analyse(study, "builtin-tiny", REPLICATES).compared == ()


def test_figures_are_xml_and_follow_the_pages_ink(report: Report, page: str) -> None:
    for path in report.paths:
        if path.suffix == ".svg":
            text = path.read_text(encoding="utf-8")
            ElementTree.fromstring(text)
            assert INK in text
    assert INK not in page.split("</style>")[1]
    assert "currentColor" in page


def test_two_reports_of_one_study_are_equal(report: Report, tmp_path: Path) -> None:
    study = without_cell(invented_study(items=30), "panda", "cola", "cb")
    again = write_report(study, tmp_path, REPLICATES)
    for first, second in zip(report.paths, again.paths, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_tasks_of_a_group_stand_together() -> None:
    groups = {"a": "x", "b": "y", "c": "x", "d": "y"}
    assert by_group(["a", "b", "c", "d"], groups, leaders=["a"]) == ["a", "c", "b", "d"]
    assert by_group(["a", "b", "c", "d"], groups, leaders=["d"]) == ["b", "d", "a", "c"]


def test_pair_without_a_value_is_hatched() -> None:
    groups = {"a": "x", "b": "y"}
    whole = similarity_map("map", "m", {("a", "b"): 0.1, ("b", "b"): 1.0}, ["a", "b"], ["b"], groups)
    holed = similarity_map("map", "m", {("b", "b"): 1.0, ("x", "b"): 0.1}, ["a", "b"], ["b"], groups)
    assert "<pattern" in holed.svg
    assert "<pattern" not in whole.svg
