"""Whatever people call their methods, and whatever an error says: every file of a report shows it and obeys none."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from panda_ray.foreign_text import file_name, markdown_text, one_line, spreadsheet_text
from panda_ray.reports.build import write_report
from panda_ray.reports.written_report import Report
from panda_ray.tracking.reading.study import Failure, Study
from support.sweeps.studies import invented_study

NASTY = {
    "prompt_tuning": '=HYPERLINK("http://x.invalid")',
    "pot": "_$\\frac{$ | <script>alert(1)</script>\n# head [a](http://x.invalid) `b` **c** &amp;",
    "panda": "+1\t@SUM(A1)\x07",
}
METRIC = "-2+3 $x_{$ <b>"


def nasty_study() -> Study:
    study = invented_study(seeds=(11, 12), items=20)
    frames = {name: getattr(study, name).replace({"method": NASTY}) for name in ("cells", "scores")}
    return replace(
        study,
        **frames,
        methods={NASTY[label]: name for label, name in study.methods.items()},
        metrics=(METRIC, "e_avg"),
        similarity=study.similarity.replace({"metric": {"task_embedding": METRIC}}),
        failures=(Failure("bert-tiny", NASTY["pot"], "rte", "cb", 11, "failed", "=1 <img src=x onerror=alert(1)>\n|"),),
        skipped=(("conll05", "<script>alert(2)</script> | `x`"),),
        provenance={"sweep": {"methods": ["</code></pre><script>alert(3)</script>"]}},
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return write_report(nasty_study(), tmp_path_factory.mktemp("report"), 20)


def test_no_cell_of_a_csv_file_is_a_formula_and_numbers_stay_numbers(report: Report) -> None:
    texts = set()
    for path in report.paths:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    for name, value in row.items():
                        if name in ("backbone", "method", "source", "sources", "target", "metric", "measure", "key"):
                            assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
                            texts.add(value)
                        else:
                            assert value == "" or float(value) == pytest.approx(float(value))
    assert {"'" + NASTY["prompt_tuning"], "'" + NASTY["panda"], NASTY["pot"], "'" + METRIC} <= texts
    similarity = next(path for path in report.paths if path.name == "similarity.csv")
    assert re.search(r",-0\.\d+,", similarity.read_text(encoding="utf-8")), "negative similarities have no apostrophe"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", " =1", "＝1"])
def test_formulas_are_disarmed(text: str) -> None:
    assert spreadsheet_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["rte", "a=b", "task_embedding", "", "PanDa <b>"])
def test_ordinary_names_stay_as_they_are_in_a_csv_file(text: str) -> None:
    assert spreadsheet_text(text) == text


def test_markdown_table_shows_what_was_written_and_nothing_else(report: Report) -> None:
    path = next(path for path in report.paths if path.suffix == ".md")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(path.read_text(encoding="utf-8"))
    assert set(re.findall(r"<(\w+)", html)) <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert html.count("<table>") == 1
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert len({row.count("<td") for row in rows[1:]}) == 1
    shown = ElementTree.fromstring(f"<x>{html}</x>")
    cells = {"".join(cell.itertext()) for cell in shown.iter("td")}
    assert {one_line(label).strip() for label in NASTY.values()} <= cells


@pytest.mark.parametrize(
    "text",
    [
        *NASTY.values(),
        METRIC,
        "a_b",
        "_a_",
        "1. x",
        "- x",
        "# x",
        "a\\|b",
        "~~x~~",
        "![x](y)",
        "&lt;",
        "https://x.invalid",
    ],
)
def test_markdown_of_any_text_is_that_text(text: str) -> None:
    """Alone, and as an item of a list, as in the description of an MLflow run."""
    for line in ("{}", "- {}"):
        html = (
            MarkdownIt("commonmark", {"html": True})
            .enable(["table", "strikethrough"])
            .render(line.format(markdown_text(text)))
        )
        assert set(re.findall(r"<(\w+)", html)) <= {"p", "ul", "li"}
        assert "".join(ElementTree.fromstring(f"<x>{html}</x>").itertext()).strip() == one_line(text).strip()


def test_page_has_no_element_that_somebody_wrote(report: Report) -> None:
    page = report.paths[0].read_text(encoding="utf-8")
    found: list[str] = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)
            assert not [name for name, _ in attrs if name.startswith("on")]

    Collector().feed(page)
    assert not {"img", "iframe"} & set(found)
    assert found.count("script") == 4, "the page's own, and three of its data"
    for text in ("alert(1)", "alert(2)", "alert(3)"):
        assert text in page, "the words themselves are shown"
    assert page.count("<script") == 4
    assert page.count('<script type="application/json"') == 3, "a browser runs none of these"
    (policy,) = re.findall(r"script-src 'sha256-([^']+)'", page)
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    assert base64.b64decode(policy) == hashlib.sha256(script.encode()).digest()


def test_figures_show_labels_as_they_are_written(report: Report) -> None:
    """No mathematics between dollar signs, and a name with an underscore in front is in the legend."""
    texts: dict[str, set[str]] = {}
    for path in report.paths:
        if path.suffix == ".svg":
            root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
            texts[path.name] = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")}
    shown = {text.strip("\u200b ") for text in set().union(*texts.values())}
    for label in NASTY.values():
        assert one_line(label).strip() in {text.strip() for text in shown}
    assert METRIC in shown


def test_file_names_are_short_plain_and_never_shared() -> None:
    assert file_name("task_embedding") == "task_embedding"
    assert len({file_name(text) for text in ("a/b", "a b", "a_b", "a__b")}) == 4
    assert all(re.fullmatch(r"[\w.-]+", file_name(text)) for text in NASTY.values())
    assert len(file_name("x" * 5000)) < 150


def test_every_file_of_the_report_has_a_name_of_its_own(report: Report) -> None:
    assert len({path.name for path in report.paths}) == len(report.paths)
    assert {path.parent for path in report.paths} == {Path(report.paths[0]).parent}
