"""Prompts go to a repository of the Hub by its own client, and come back at a revision, checked; a sweep takes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from panda_ray.prompts.exported import ExportedPrompt
from support.servers.hub_server import TOKEN, Hub, hub_server

ROOT = Path(__file__).parents[3]
URL = "hf://lab/shelf"
SWEEP = """
name: x
storage: runs
backbones: [builtin-tiny]
sources: [review, rating]
targets: [remark]
methods: [pot]
metrics: []
seeds: [11]
training: {prompt_len: 8, max_len: 48, dropout: 0}
tasks:
  review: {max_train_rows: 600, max_dev_rows: 100}
  rating: {max_train_rows: 600, max_dev_rows: 100}
  remark: {max_dev_rows: 150}
"""
"""Its source prompts are among those that come with the package."""


@pytest.fixture(scope="module")
def hub() -> Iterator[tuple[str, Hub]]:
    with hub_server() as found:
        yield found


@pytest.fixture
def environment(hub: tuple[str, Hub], tmp_path: Path) -> dict[str, str]:
    """Of a process that has this Hub, and a cache and a home of its own."""
    home = {name: str(tmp_path / "home") for name in ("HF_HOME", "HOME")}
    asked = {"HF_ENDPOINT": hub[0], "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT), **home}
    return {**os.environ, **asked}


def prompts(at: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "panda_ray.cli", *arguments]
    return subprocess.run(line, cwd=at, env=environment, capture_output=True, text=True, check=False, timeout=500)


def test_prompts_are_pushed_in_one_commit_and_taken_at_its_revision(
    hub: tuple[str, Hub], environment: dict[str, str], tmp_path: Path
) -> None:
    _, known = hub
    (tmp_path / "x.yaml").write_text(SWEEP)
    pulled = prompts(tmp_path, environment, "prompts", "pull", "builtin", "runs", "--json")
    assert pulled.returncode == 0, pulled.stderr

    refused = prompts(tmp_path, environment, "prompts", "push", "x.yaml", URL)
    assert refused.returncode == 2
    assert "HF_TOKEN" in refused.stderr
    assert "Traceback" not in refused.stderr

    environment["HF_TOKEN"] = TOKEN
    pushed = prompts(tmp_path, environment, "prompts", "push", "x.yaml", URL, "--task", "review")
    assert pushed.returncode == 0, pushed.stderr
    assert TOKEN not in pushed.stdout + pushed.stderr
    files = known.commits["lab/shelf"][-1]
    assert len(known.commits["lab/shelf"]) == 2, "the one that made the repository, and one of ours"
    revision = known.oid("lab/shelf", 1)
    assert f"{URL}@{revision}" in pushed.stdout
    [adapter] = {path.rpartition("/")[0] for path in files if path.startswith("adapters/")}
    assert adapter.startswith("adapters/review/builtin-tiny/seed-11-")
    (tmp_path / "adapter").mkdir()
    for path, data in files.items():
        if path.startswith(adapter):
            (tmp_path / "adapter" / path.rpartition("/")[2]).write_bytes(data)
    assert ExportedPrompt.read(tmp_path / "adapter").task == "review"
    names = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md"} < names
    assert adapter in files["README.md"].decode()

    again = prompts(tmp_path, environment, "prompts", "push", "x.yaml", URL)
    assert again.returncode == 0, again.stderr
    both = known.commits["lab/shelf"][-1]
    assert {path for path in both if path.startswith("units/")} > {path for path in files if path.startswith("units/")}
    assert both["README.md"].decode().count("| `adapters/") == 2

    del environment["HF_TOKEN"]
    at_first = prompts(tmp_path, environment, "prompts", "pull", f"{URL}@{revision}", "mine", "--json")
    assert [each["task"] for each in json.loads(at_first.stdout)] == ["review"]
    taken = prompts(
        tmp_path, environment, "plan", "x.yaml", "--json", "--set", "storage=new", "--set", f"prompts={URL}"
    )
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["taken"] == 2


def test_a_repository_that_somebody_made_keeps_its_card_and_gets_prompts(
    hub: tuple[str, Hub], environment: dict[str, str], tmp_path: Path
) -> None:
    _, known = hub
    known.commits["lab/mine"] = [{"README.md": b"what I wrote"}]
    (tmp_path / "x.yaml").write_text(SWEEP)
    assert prompts(tmp_path, environment, "prompts", "pull", "builtin", "runs").returncode == 0
    nothing = prompts(tmp_path, environment, "prompts", "ls", "hf://lab/mine")
    assert (nothing.returncode, "has no folder 'units'" in nothing.stderr) == (2, True)
    environment["HF_TOKEN"] = TOKEN
    pushed = prompts(tmp_path, environment, "prompts", "push", "x.yaml", "hf://lab/mine", "--task", "rating")
    assert pushed.returncode == 0, pushed.stderr
    files = known.commits["lab/mine"][-1]
    assert files["README.md"] == b"what I wrote"
    assert any(path.startswith("units/") for path in files)


def test_a_prompt_with_a_damaged_file_is_not_taken(
    hub: tuple[str, Hub], environment: dict[str, str], tmp_path: Path
) -> None:
    _, known = hub
    files = known.commits["lab/shelf"][-1]
    [damaged, whole] = [path for path in files if path.startswith("units/") and path.endswith(".safetensors")]
    known.commits["lab/bad"] = [{**files, damaged: files[damaged][:-1] + b"x"}]
    pulled = prompts(tmp_path, environment, "prompts", "pull", "hf://lab/bad", "mine", "--json")
    assert pulled.returncode == 0, pulled.stderr
    assert [each["key"] for each in json.loads(pulled.stdout)] == [whole.split("/")[-2]]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("hf://lab", "names no repository"),
        ("hf://lab/none", "cannot be reached"),
        (f"{URL}@0123456789abcdef", "cannot be reached"),
    ],
)
def test_what_is_not_on_the_hub_is_one_sentence(
    url: str, said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    ended = prompts(tmp_path, environment, "prompts", "ls", url)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
