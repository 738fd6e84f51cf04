"""Backbones by name and by folder, and what identifies their weights."""

from __future__ import annotations

import json
import shutil
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from transformers import DistilBertConfig, DistilBertModel

from panda_ray.backbones import (
    BACKBONES,
    BackboneSpec,
    Sizes,
    backbone_identity,
    backbone_sizes,
    get_backbone_spec,
    load_backbone,
    registry,
)
from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.rows import hub
from panda_ray.tasks.rows.hub import hub_problem
from panda_ray.tasks.rows.loading import load_rows
from support.trained.models import random_model

VOCABULARY = {
    "builtin": 478,
    "bert": 30522,
    "roberta": 50265,
    "cased": 28996,
    "deberta": 128100,
    "opt": 50272 / 2,  # whose embeddings are half as wide as its layers
    "llama2": 32000,
}
POSITIONS = {True: 192, False: 512}
"""Of the packaged model, and of those on the Hub."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A local copy of the packaged backbone."""
    packaged = Path(registry.__file__).parent / "builtin_tiny"
    return Path(shutil.copytree(packaged, tmp_path / "model"))


def test_a_folder_is_the_same_backbone_as_the_packaged_one(folder: Path) -> None:
    assert backbone_identity("mine", str(folder)) == backbone_identity("builtin-tiny")
    backbone = load_backbone("mine", str(folder), device="cpu")
    assert backbone.name == "mine"
    assert backbone.geometry.layers == 3
    assert backbone.tokenizer("hello")["input_ids"]


def test_other_weights_have_another_identity(folder: Path) -> None:
    before = backbone_identity("mine", str(folder))
    random_model("bert").save_pretrained(folder)
    assert backbone_identity("mine", str(folder)) != before


def test_pinned_hub_models_are_identified_without_asking_the_hub() -> None:
    revision = "86b5e0934494bd15c9632b12f734a8a67f723594"
    assert backbone_identity("bert-base") == f"hub:google-bert/bert-base-uncased@{revision}"


def test_misspelt_names_and_wrong_folders_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'bert-large'"):
        backbone_identity("bert-lagre")
    with pytest.raises(InputError, match=r"is not a model folder; it must hold config\.json"):
        load_backbone("mine", str(tmp_path))


def test_sizes_are_those_of_the_model(folder: Path) -> None:
    backbone = load_backbone("mine", str(folder), device="cpu")
    config: Any = backbone._model.config
    sizes = Sizes(config.num_hidden_layers, config.hidden_size, config.intermediate_size, 192)
    assert config.max_position_embeddings == 192
    assert backbone_sizes("mine", str(folder)) == backbone_sizes("builtin-tiny") == sizes


@pytest.mark.parametrize("spec", BACKBONES, ids=lambda spec: spec.name)
def test_sizes_add_up_to_the_published_number_of_parameters(spec: BackboneSpec) -> None:
    sizes = spec.sizes
    embeddings = (
        VOCABULARY["cased" if spec.name.endswith("-cased") else spec.name.split("-")[0]] + POSITIONS[spec.packaged]
    ) * sizes.hidden
    layer = 4 * sizes.hidden**2 + (3 if sizes.gated else 2) * sizes.hidden * sizes.feed_forward
    pooler = sizes.hidden**2
    counted = (embeddings + sizes.layers * layer + pooler) / 1e6
    assert counted == pytest.approx(spec.parameters_million, rel=0.01, abs=0.05)


def test_a_folder_without_sizes_says_which(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["intermediate_size"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has no 'intermediate_size'"):
        backbone_sizes("mine", str(folder))


def test_an_unknown_architecture_is_refused_when_a_sweep_is_planned_and_when_a_model_is_loaded(tmp_path: Path) -> None:
    sizes = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "vocab_size": 20}
    DistilBertModel(DistilBertConfig(**sizes)).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"config\.json: unknown architecture 'distilbert' \(allowed: bert, "):
        backbone_sizes("mine", str(tmp_path))
    with pytest.raises(InputError, match=r"backbone 'mine': unknown architecture 'distilbert' \(allowed: bert, "):
        load_backbone("mine", str(tmp_path))


def test_the_gradient_reaches_nothing_but_the_prefix(folder: Path) -> None:
    backbone = load_backbone("mine", str(folder), device="cpu")
    assert not any(weight.requires_grad for weight in backbone._model.parameters())
    assert all(weight.dtype == torch.float32 for weight in backbone._model.parameters())


@pytest.fixture
def knocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An empty cache, and a Hub that hangs up on whoever calls; an entry for each that asks whether it is there."""
    calls: list[str] = []

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            calls.extend(["call"] if self.request.recv(4) == b"HEAD" else [])

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        yield calls
        server.shutdown()
    registry._head.cache_clear()


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of whoever asks the Hub stands still."""
    monkeypatch.setattr(hub, "time", SimpleNamespace(monotonic=lambda: 30.0))


@pytest.mark.usefixtures("one_minute")
def test_a_hub_that_does_not_answer_is_asked_once_for_all_backbones_and_rows_and_named(knocks: list[str]) -> None:
    said = []
    for fetch in (
        lambda: backbone_identity("bert-base-cased"),
        lambda: backbone_identity("bert-large-cased"),
        lambda: load_backbone("bert-base", device="cpu"),
        lambda: load_rows(get_task("rte")),
    ):
        with pytest.raises(InputError) as raised:
            fetch()
        said.append(str(raised.value))
    assert len(knocks) == 1
    assert all(f"the Hub at {constants.ENDPOINT} cannot be reached" in sentence for sentence in said)
    assert all("connect once" in sentence and "\n" not in sentence for sentence in said)


def test_a_hub_is_asked_again_a_minute_later(knocks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (30.0, 50.0, 70.0):
        monkeypatch.setattr(hub, "time", SimpleNamespace(monotonic=lambda seconds=seconds: seconds))
        assert hub_problem() is not None
    assert len(knocks) == 2


@pytest.mark.usefixtures("one_minute")
def test_without_the_hub_a_backbone_is_the_commit_of_the_cache_and_loads_from_there(
    knocks: list[str], folder: Path, tmp_path: Path
) -> None:
    spec = get_backbone_spec("bert-base-cased")
    assert spec.revision is None
    repository = tmp_path / f"models--{spec.repository.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("5" * 40)
    shutil.copytree(folder, repository / "snapshots" / ("5" * 40))
    assert backbone_identity(spec.name) == f"hub:{spec.repository}@{'5' * 40}"
    assert load_backbone(spec.name, device="cpu").geometry.layers == 3
    assert len(knocks) == 1
