"""The report as people use it: sorted, opened cell by cell with mouse and keyboard, saved, on a phone and on paper."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from panda_ray.reports.build import write_report
from panda_ray.reports.html_page.drawer import LONGEST_TEXT, MOST_POINTS
from panda_ray.reports.numbers.turned_items import DevRows
from panda_ray.tracking.reading.study import Study
from support.servers.browser import browser, needs_browser
from support.sweeps.studies import invented_study

pytestmark = [pytest.mark.slow, needs_browser]

HOSTILE = "</script><script>document.title='taken'</script>"
PATIENCE = 60
RUNS_PAGE = "http://mlflow.example:5000/#/experiments/7/runs?workflowType=machine_learning"


@pytest.fixture(scope="module")
def study() -> Study:
    invented = invented_study(seeds=(11, 12), items=20)
    return replace(invented, skipped=(*invented.skipped, (HOSTILE, HOSTILE)), runs_page=RUNS_PAGE)


@pytest.fixture(scope="module")
def page(study: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(study, tmp_path_factory.mktemp("report"), replicates=50).paths[0].as_uri()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Chrome]:
    with browser(folder) as driver:
        yield driver


@pytest.fixture
def chrome(opened: Chrome, page: str) -> Chrome:
    opened.get(page)
    return opened


def grid(chrome: Chrome) -> WebElement:
    return chrome.find_element(By.CSS_SELECTOR, "table.grid")


def place(chrome: Chrome, method: str, sources: str, target: str) -> WebElement:
    row = f"tr[data-method='{method}'][data-sources='{sources}']"
    return grid(chrome).find_element(By.CSS_SELECTOR, f"{row} td[data-target='{target}']")


def drawn(chrome: Chrome) -> list[list[str]]:
    """The rows of the open drawer's table."""
    rows = chrome.find_elements(By.CSS_SELECTOR, "dialog[open] table:not(.cases *) tbody tr")
    return [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in rows]


def test_no_script_but_the_pages_own_runs_and_none_fails(chrome: Chrome, study: Study) -> None:
    assert chrome.title == f"{study.sweep} – panda_ray report"
    assert HOSTILE in chrome.find_element(By.TAG_NAME, "body").text
    assert not [entry for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
    chrome.execute_script(
        "const added = document.createElement('script'); added.textContent = \"document.title = 'taken'\";"
        "document.body.append(added);"
    )
    assert chrome.title != "taken", "the policy refuses what is added to the page"


def test_a_cell_opens_with_its_seeds_and_gains(chrome: Chrome, study: Study) -> None:
    method, sources, target = "pot", study.sources[0], study.targets[1]
    place(chrome, method, sources, target).click()
    scores = study.scores[study.scores.backbone == study.backbones[0]].set_index(
        ["method", "sources", "target", "seed"]
    )
    for seed, (said, score, gain, *_, key) in zip((11, 12), drawn(chrome), strict=True):
        record = scores.loc[(method, sources, target, seed)]
        before = scores.loc[("prompt_tuning", "", target, seed)].score
        assert said == str(seed)
        assert score == f"{record.score:.1f}"
        assert gain.replace("−", "-") == f"{record.score - before:+.1f}".replace("+0.0", "0.0").replace("-0.0", "-0.0")
        assert record.key.startswith(key)
    title = chrome.find_element(By.ID, "drawer-title").text
    assert title == f"{method}: {sources} → {target}"
    ActionChains(chrome).send_keys(Keys.ESCAPE).perform()
    assert not drawn(chrome)


def test_the_grid_can_be_walked_and_opened_by_keys(chrome: Chrome) -> None:
    stops = grid(chrome).find_elements(By.CSS_SELECTOR, "td[tabindex='0']")
    assert len(stops) == 1, "one stop for the tab key, however large the grid"
    stops[0].send_keys(Keys.ARROW_DOWN)
    chrome.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    active = chrome.switch_to.active_element
    second = grid(chrome).find_elements(By.CSS_SELECTOR, "thead th")[3].text
    assert active.get_attribute("data-target") == second
    active.send_keys(Keys.ENTER)
    assert len(drawn(chrome)) == 2
    ActionChains(chrome).send_keys(Keys.ESCAPE).perform()
    assert chrome.switch_to.active_element == active, "closing leads back to the cell"


def test_a_column_sorts_both_ways_and_says_so(chrome: Chrome) -> None:
    heading = grid(chrome).find_elements(By.CSS_SELECTOR, "thead th")[2]
    button = heading.find_element(By.TAG_NAME, "button")
    orders = []
    for said in ("ascending", "descending"):
        button.click()
        assert heading.get_attribute("aria-sort") == said
        cells = grid(chrome).find_elements(By.CSS_SELECTOR, "tbody tr > :nth-child(3)")
        orders.append([float(cell.text.split(" ")[0]) for cell in cells if cell.text not in ("", "–")])
    assert orders[0] == sorted(orders[0])
    assert orders[1] == sorted(orders[0], reverse=True)
    assert len(orders[0]) > 3


def test_finished_cells_and_tables_are_saved_as_csv(chrome: Chrome, folder: Path, study: Study) -> None:
    chrome.find_element(By.ID, "save-scores").click()
    rows = saved(folder / "scores.csv")
    assert len(rows) == len(study.scores)
    assert {row["key"] for row in rows} == set(study.scores.key)
    assert sum(float(row["score"]) for row in rows) == pytest.approx(study.scores.score.sum())
    grid(chrome).find_element(By.CSS_SELECTOR, "button.save").click()
    table = saved(folder / f"The grid, {study.backbones[0]}.csv")
    assert [*table[0]][:3] == ["method", "sources", study.targets[0]]


def saved(path: Path) -> list[dict[str, str]]:
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or not path.stat().st_size:  # Chromium keeps the name with an empty file first
        assert time.monotonic() < deadline, sorted(path.parent.iterdir())
        time.sleep(0.1)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_table_has_a_caption_and_every_heading_a_scope(chrome: Chrome) -> None:
    without = "return document.querySelectorAll(arguments[0]).length"
    assert chrome.execute_script(without, "table") == chrome.execute_script(without, "table > caption") > 3
    assert chrome.execute_script(without, "th:not([scope])") == 0
    assert chrome.execute_script(without, "svg") == chrome.execute_script(without, "svg > title") > 0


@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "laptop"])
def test_figures_can_be_read_stack_on_a_phone_and_make_no_page_scroll_sideways(chrome: Chrome, width: int) -> None:
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": width < 500},
    )
    try:
        smallest = chrome.execute_script(
            "return Math.min(...[...document.querySelectorAll('svg text')].filter(text => text.getClientRects().length)"
            ".map(text => parseFloat(getComputedStyle(text).fontSize) * Math.hypot(...['a', 'b']"
            ".map(name => text.getScreenCTM()[name]))))"
        )
        assert smallest >= 9
        assert chrome.execute_script("return document.documentElement.scrollWidth") <= width
        shown, hidden = ("stacked", "beside") if width < 500 else ("beside", "stacked")
        inside = "svg => svg.getBoundingClientRect().width > 200 && svg.getBoundingClientRect().right <= arguments[1]"
        charts = f"[...document.querySelectorAll(arguments[0])].map({inside})"
        assert chrome.execute_script(f"return {charts}", f".{shown} svg", width) == [True, True]
        assert chrome.execute_script(f"return {charts}", f".{hidden} svg", width) == [False, False], "panels twice"
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_drawer_begins_with_what_closes_it_which_stays_in_sight(chrome: Chrome, study: Study) -> None:
    chrome.set_window_size(420, 500)
    try:
        place(chrome, "pot", study.sources[0], study.targets[1]).click()
        close = chrome.find_element(By.CSS_SELECTOR, "dialog[open] > button")
        assert chrome.switch_to.active_element == close
        chrome.execute_script("document.getElementById('drawer').scrollTop = 1e6")
        edges = "const [outer, inner] = arguments[0].map((each) => each.getBoundingClientRect());"
        inside = "outer.top <= inner.top && inner.bottom <= outer.bottom"
        drawer = chrome.find_element(By.ID, "drawer")
        seen = chrome.execute_script(f"{edges} return [{inside}, arguments[0][0].scrollTop]", [drawer, close])
        assert seen[0] is True
        assert seen[1] > 0, "the drawer is longer than the window"
        close.click()
        assert not chrome.find_elements(By.CSS_SELECTOR, "dialog[open]")
    finally:
        chrome.set_window_size(1200, 900)


def test_nothing_that_can_be_pressed_is_printed(chrome: Chrome) -> None:
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        shown = chrome.execute_script(
            "return [...document.querySelectorAll('button:not(.sort), dialog')]"
            ".filter(each => getComputedStyle(each).display !== 'none').length"
        )
        assert shown == 0
        assert grid(chrome).find_element(By.CSS_SELECTOR, "thead th").text, "headings stay"
    finally:
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def lines(chrome: Chrome, title: str) -> list[list[tuple[float, float]]]:
    """The lines of one chart of the open drawer, each as its points from the left."""
    for chart in chrome.find_elements(By.CSS_SELECTOR, "dialog[open] svg"):
        if chart.find_element(By.TAG_NAME, "title").get_attribute("textContent") == title:
            found = [line.get_attribute("points") for line in chart.find_elements(By.TAG_NAME, "polyline")]
            return [[tuple(map(float, point.split(","))) for point in points.split()] for points in found]
    raise AssertionError(f"no chart {title!r}")


def test_a_cell_opens_with_the_curves_of_its_seeds_beside_those_without_transfer(chrome: Chrome, study: Study) -> None:
    place(chrome, "pot", study.sources[0], study.targets[1]).click()
    for title, rises in (("score on the dev set, %", True), ("training loss", False)):
        drawn_lines = lines(chrome, title)
        assert len(drawn_lines) == 4, "two seeds, each with its line without transfer"
        for line in drawn_lines:
            assert len(line) <= MOST_POINTS + 1
            assert [x for x, _ in line] == sorted(x for x, _ in line)
            assert (line[0][1] > line[-1][1]) == rises, "y grows downwards"
    text = chrome.find_element(By.CSS_SELECTOR, "dialog[open]").text
    assert "Dashed: prompt_tuning with the same seed." in text
    assert "Of 120 epochs, one in 3 is drawn, and the last." in text
    assert [row[5:7] for row in drawn(chrome)] == [["12.5", "1.5"]] * 2, "seconds and memory"


def test_a_cell_without_curves_says_so(opened: Chrome, study: Study, tmp_path: Path) -> None:
    bare = write_report(replace(study, trainings={}), tmp_path, replicates=50).paths[0]
    opened.get(bare.as_uri())
    place(opened, "pot", study.sources[0], study.targets[1]).click()
    dialog = opened.find_element(By.CSS_SELECTOR, "dialog[open]")
    assert "MLflow has no learning curves of this cell." in dialog.text
    assert not dialog.find_elements(By.TAG_NAME, "svg")
    assert len(drawn(opened)) == 2, "what is known is shown"


def test_keys_lead_to_their_runs_where_mlflow_has_an_address(chrome: Chrome, study: Study) -> None:
    place(chrome, "pot", study.sources[0], study.targets[1]).click()
    links = chrome.find_elements(By.CSS_SELECTOR, "dialog[open] tbody a")
    rows = study.scores.query("method == 'pot' and sources == @study.sources[0] and target == @study.targets[1]")
    addresses = [link.get_attribute("href") for link in links]
    assert all(address.startswith(f"{RUNS_PAGE}&") for address in addresses)
    queries = [dict(parse_qsl(address.removeprefix(f"{RUNS_PAGE}&"))) for address in addresses]
    by_score = {"orderByKey": "metrics.`score`", "orderByAsc": "false"}
    assert queries == [{"searchFilter": f"tags.key = '{key}'", **by_score} for key in rows.key]


def test_a_transfer_opens_with_rows_that_it_helps_and_hurts(opened: Chrome, study: Study, tmp_path: Path) -> None:
    target = "cb"
    texts = [(f"text of {item} {HOSTILE} {'long ' * 99}", f"label of {item}") for item in range(20)]
    rows = DevRows(texts, answers=lambda keys, _: {key: answered(study, key) for key in keys})
    written = write_report(study, tmp_path, replicates=50, rows={target: rows, "stsb": DevRows(absence="not yours")})
    opened.get(written.paths[0].as_uri())
    place(opened, "pot", "rte", target).click()
    before, after = (right(study, "prompt_tuning", "", target), right(study, "pot", "rte", target))
    table = opened.find_element(By.CSS_SELECTOR, "dialog[open] .cases")
    shown = [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in all_rows(table)]
    assert {"helped", "hurt"} == {effect for effect, *_ in shown}
    headings = [cell.text for cell in table.find_elements(By.CSS_SELECTOR, "thead th")]
    assert headings[4:] == ["prompt_tuning answers", "pot answers", "prompt_tuning", "pot"]
    assert any("; " in answer for row in shown for answer in row[4:6]), "seeds differ somewhere"
    for effect, item, text, label, *answers, said_before, said_after in shown:
        change = after[int(item)] - before[int(item)]
        assert (change > 0) == (effect == "helped")
        assert text.startswith(f"text of {item} {HOSTILE}")
        assert len(text) == LONGEST_TEXT
        assert label == f"label of {item}"
        assert [said_before, said_after] == [f"{before[int(item)]:.2f}", f"{after[int(item)]:.2f}"]
        for answer, share in zip(answers, (before[int(item)], after[int(item)]), strict=True):
            right_one, wrong_one = f"label of {item}", f"{HOSTILE} of {item}"
            split = {f"{right_one} (1); {wrong_one} (1)", f"{wrong_one} (1); {right_one} (1)"}
            assert answer in {0.0: {wrong_one}, 0.5: split, 1.0: {right_one}}[share]
    better, worse = (after > before).sum(), (after < before).sum()
    counted = f"Of 20 dev rows, {better} are better than with prompt_tuning and {worse} worse"
    assert counted in opened.find_element(By.CSS_SELECTOR, "dialog[open]").text
    assert opened.title != "taken"
    opened.find_element(By.CSS_SELECTOR, "dialog[open] > button").click()
    place(opened, "pot", "rte", "stsb").click()
    assert "No texts: not yours." in opened.find_element(By.CSS_SELECTOR, "dialog[open]").text


def answered(study: Study, key: str) -> dict[int, str]:
    """The right label where a unit is right, and another one elsewhere."""
    right_I = study.examples[key].best_IM[:, 0]
    return {item: f"label of {item}" if is_right else f"{HOSTILE} of {item}" for item, is_right in enumerate(right_I)}


def right(study: Study, method: str, sources: str, target: str) -> NDArray[np.float64]:
    """The share of the seeds in which each item is right."""
    cells = study.scores[study.scores["target"] == target].set_index(["method", "sources"])
    return np.mean([study.examples[key].best_IM[:, 0] for key in cells.loc[(method, sources), "key"]], axis=0)


def all_rows(table: WebElement) -> list[WebElement]:
    return table.find_elements(By.CSS_SELECTOR, "tbody tr")
