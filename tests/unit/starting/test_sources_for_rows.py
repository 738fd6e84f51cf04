"""`panda-ray recommend --data`: sources for rows of a user's own, from prompts that come with the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.tasks.suite.rows import generator
from panda_ray.tasks.suite.sentiment import remark_row
from panda_ray.usecases.choosing.prompts_to_rank import sweep_to_rank
from panda_ray.usecases.shared_prompts.prompt_places import BUILTIN, read_place
from support.sweeps.small_sweeps import small_sweep

SET = ("storage=runs", "seeds=[11]", "sources=[kinds, review, rating]")


def recommend(*words: str) -> str:
    settings = [word for value in SET for word in ("--set", value)]
    result = CliRunner().invoke(app, ["recommend", *words, *settings], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_sources_are_ranked_for_a_file_without_a_sweep_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = generator("remark", remark_row, 100, 8)("train")
    named = [{"text": row["sentence"], "mood": ("bad", "good")[row["label"]]} for row in rows]
    Path("my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    found = json.loads(recommend("--data", "my.jsonl", "--json"))
    assert found["task"] == "my"
    assert {each["source"] for each in found["sources"]} == {"kinds", "review", "rating"}
    similarities = [each["similarity"] for each in found["sources"]]
    assert similarities == sorted(similarities, reverse=True)
    assert len(set(similarities)) == 3
    assert found["untrained"] == []
    assert found == json.loads(recommend("--data", "my.jsonl", "--prompts", read_place(BUILTIN), "--json"))
    for words in ((), ("--data", "my.jsonl", "--task", "remark")):
        with pytest.raises(InputError, match="--task TASK, or --data FILE"):
            recommend(*words)
    Path("review.jsonl").write_text(Path("my.jsonl").read_text())
    assert json.loads(recommend("--data", "review.jsonl", "--json"))["task"] == "my_review"


@pytest.mark.parametrize(
    ("prompts", "backbone", "said"),
    [
        (
            None,
            "bert-base",
            r"the package brings prompts of builtin-tiny alone; .* has some of bert-base: --prompts URL",
        ),
        (
            BUILTIN,
            "bert-base",
            r"builtin has no prompt of bert-base \(it has 27 of builtin-tiny\); --prompts names a store",
        ),
        (None, "bert-bass", r"unknown backbone 'bert-bass'; did you mean 'bert-base'\?"),
        (BUILTIN, "bert-bass", r"unknown backbone 'bert-bass'; did you mean 'bert-base'\?"),
        ("nowhere", None, r"no folder 'nowhere' for prompts on this machine"),
        ("nowhere.yaml", None, r"no sweep file 'nowhere\.yaml'"),
        ("quickstart", "bert-base", r"sweep 'quickstart': unknown backbone 'bert-base' \(allowed: builtin-tiny\)"),
    ],
)
def test_prompts_that_are_not_there_are_told_before_any_rows_are_read(
    prompts: str | None, backbone: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        sweep_to_rank(prompts, backbone)


def test_one_backbone_of_a_sweep_is_ranked_on_and_the_first_one_unless_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(small_sweep(tmp_path, backbones=["builtin-tiny", "bert-tiny"]).model_dump_json())
    file = str(tmp_path / "x.yaml")
    assert [section.name for section in sweep_to_rank(file, "bert-tiny").backbones] == ["bert-tiny"]
    assert sweep_to_rank(file).backbones[0].name == "builtin-tiny"
