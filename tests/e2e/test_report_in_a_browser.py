"""The report as people use it: sorted, opened cell by cell with mouse and keyboard, saved, on a phone and on paper."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from panda_ray.reports.build import write_report
from panda_ray.tracking.reading.study import Study
from support.browser import browser, needs_browser
from support.studies import invented_study

pytestmark = [pytest.mark.slow, needs_browser]

HOSTILE = "</script><script>document.title='taken'</script>"
PATIENCE = 60


@pytest.fixture(scope="module")
def study() -> Study:
    invented = invented_study(seeds=(11, 12), items=20)
    return replace(invented, skipped=(*invented.skipped, (HOSTILE, HOSTILE)))


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
    rows = chrome.find_elements(By.CSS_SELECTOR, "dialog[open] tbody tr")
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
    while not path.exists():
        assert time.monotonic() < deadline, sorted(path.parent.iterdir())
        time.sleep(0.1)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_table_has_a_caption_and_every_heading_a_scope(chrome: Chrome) -> None:
    without = "return document.querySelectorAll(arguments[0]).length"
    assert chrome.execute_script(without, "table") == chrome.execute_script(without, "table > caption") > 3
    assert chrome.execute_script(without, "th:not([scope])") == 0
    assert chrome.execute_script(without, "svg") == chrome.execute_script(without, "svg > title") > 0


def test_on_a_phone_text_in_figures_can_be_read_and_the_page_does_not_scroll_sideways(chrome: Chrome) -> None:
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        smallest = chrome.execute_script(
            "return Math.min(...[...document.querySelectorAll('svg text')].filter(text => text.getClientRects().length)"
            ".map(text => parseFloat(getComputedStyle(text).fontSize) * Math.hypot(...['a', 'b']"
            ".map(name => text.getScreenCTM()[name]))))"
        )
        assert smallest >= 9
        assert chrome.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


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
