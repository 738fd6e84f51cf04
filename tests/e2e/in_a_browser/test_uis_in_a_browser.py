"""What `panda-ray ui` opens and names, in a real browser: MLflow on a sweep's runs, the dashboard on its studies.

And what leads there: the keys in a report's drawers.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from panda_ray.tracking.server.client import connect
from support.processes.command_line import run_here
from support.servers.browser import browser, needs_browser
from support.servers.pages import answer, free_port

pytestmark = [pytest.mark.slow, needs_browser]

PATIENCE = 180
SEARCH = """\
name: searched
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning]
seeds: [1]
training: {epochs: 1, prompt_len: 4, batch_size: 16}
tasks: {remark: {max_train_rows: 32, max_dev_rows: 24}}
tracking: {system_metrics: true}
search:
  space: {lr: [0.003, 0.03, 0.1]}
  sampler: grid
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a search was run."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "search.yaml").write_text(SEARCH)
    ended = run_here(folder, "run", "search.yaml", "--runner", "inline")
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that stays, and the end of it."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def shown(chrome: Chrome, until: Callable[[str], bool]) -> str:
    """The text of the page as soon as it has what is awaited."""
    deadline = time.monotonic() + PATIENCE
    while not until(text := chrome.find_element(By.TAG_NAME, "body").text):
        assert time.monotonic() < deadline, text
        time.sleep(0.5)
    return text


def said(process: subprocess.Popen[str], pattern: str) -> str:
    """What the first line that a program prints like this has in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if (found := re.search(pattern, line)) is not None:
            return found[1]
    raise AssertionError("the program ended without a word of it")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """The address that `ui` opens, and the command of the dashboard that it names; MLflow answers."""
    port = free_port()
    ui = [sys.executable, "-m", "panda_ray.cli", "ui", "search.yaml", "--port", str(port)]
    with running(ui, folder) as process:
        named = said(process, r"at (http\S+)"), said(process, r"(optuna-dashboard .*)")
        answer(f"http://127.0.0.1:{port}/health", PATIENCE)
        yield named


def test_mlflow_opens_on_the_runs_and_the_dashboard_on_the_studies_of_a_search(
    folder: Path, served: tuple[str, str], chrome: Chrome
) -> None:
    address, command = served
    chrome.get(address)
    page = shown(chrome, lambda text: "5 matching runs" in text)
    assert "finished: 3 of 3 units" in page, "the note of the experiment"
    program, *arguments = shlex.split(command)
    dashboard = Path(sys.executable).with_name(program)
    port = free_port()
    with running([str(dashboard), *arguments, "--port", str(port)], folder):
        answer(f"http://127.0.0.1:{port}/dashboard/", PATIENCE)
        chrome.get(f"http://127.0.0.1:{port}/dashboard/")
        page = shown(chrome, lambda text: "remark" in text)
    assert "prompt_tuning" in page
    assert os.fspath(folder / "store") in command


def test_what_a_stacks_machine_did_is_on_mlflows_own_tab(served: tuple[str, str], chrome: Chrome) -> None:
    server = served[0].partition("/#")[0]
    client = connect(server)
    [stack] = client.search_runs([each.experiment_id for each in client.search_experiments()], "tags.product = 'stack'")
    chrome.get(f"{server}/#/experiments/{stack.info.experiment_id}/runs/{stack.info.run_id}/system-metrics")
    names = ("cpu_utilization_percentage", "system_memory_usage_megabytes")
    shown(chrome, lambda text: all(name in text for name in names))


def test_a_key_in_the_drawer_of_a_report_opens_the_one_run_of_its_unit(
    folder: Path, served: tuple[str, str], chrome: Chrome
) -> None:
    """Of a sweep that a trial of the search has trained already, so that there is a grid and nothing to train."""
    server = served[0].partition("/#")[0]
    (folder / "plain.yaml").write_text(
        SEARCH.partition("search:")[0].replace("searched", "plain").replace("{epochs", "{lr: 0.03, epochs")
    )
    ended = run_here(folder, "run", "plain.yaml", "--runner", "inline", "--set", f"tracking_uri={server}")
    assert ended.code == 0, ended.err
    chrome.get((folder / "store" / "reports" / "plain" / "report.html").as_uri())
    chrome.find_element(By.CSS_SELECTOR, "table.grid td[data-target='remark']").click()
    chrome.find_element(By.CSS_SELECTOR, "dialog[open] tbody a").click()
    chrome.switch_to.window(chrome.window_handles[-1])
    page = shown(chrome, lambda text: "1 matching run" in text)
    assert chrome.current_url.startswith(server)
    assert "remark" in page
