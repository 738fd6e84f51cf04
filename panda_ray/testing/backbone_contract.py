"""What every backbone that has a name keeps, as far as its weights are here.

Shape letters: R rows, T tokens.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from panda_ray.backbones import (
    BACKBONES,
    Backbone,
    BackboneSpec,
    Tokens,
    backbone_identity,
    backbone_sizes,
    load_backbone,
)
from panda_ray.backbones.registry import local_folder
from panda_ray.testing.random_models import plain_hidden, real
from panda_ray.testing.tried_on import drawn_prompt


class BackboneContract:
    """Say in the fixture `spec` what is tested, and in `folder` where its weights are, or others of these sizes."""

    @pytest.fixture
    def spec(self) -> BackboneSpec:
        raise NotImplementedError("override the fixture `spec`")

    @pytest.fixture
    def folder(self, spec: BackboneSpec) -> Path:
        """A folder of the model and its tokenizer."""
        found = local_folder(spec.name, None)
        if found is None:
            pytest.skip("the weights are not part of the package: override the fixture `folder`")
        return found

    @pytest.fixture
    def backbone(self, spec: BackboneSpec, folder: Path) -> Backbone:
        return load_backbone(spec.name, str(folder), device="cpu")

    def test_it_is_found_by_its_name(self, spec: BackboneSpec) -> None:
        assert BACKBONES.get(spec.name) is spec

    def test_its_origin_is_a_repository_at_a_commit_or_at_its_head(self, spec: BackboneSpec) -> None:
        if spec.packaged:
            assert local_folder(spec.name, None) is not None
            return
        owner, _, repository = spec.repository.partition("/")
        assert owner
        assert repository
        assert spec.revision is None or (len(spec.revision) == 40 and set(spec.revision) <= set("0123456789abcdef"))

    def test_what_planning_knows_of_it_is_what_its_files_say(self, spec: BackboneSpec, folder: Path) -> None:
        assert backbone_sizes(spec.name, str(folder)) == spec.sizes

    def test_it_is_as_large_as_it_says(self, spec: BackboneSpec, folder: Path) -> None:
        parameters = sum(parameter.numel() for parameter in plain_model(folder).parameters())
        assert parameters / 1e6 == pytest.approx(spec.parameters_million, rel=0.02, abs=0.05)

    def test_its_identity_is_that_of_its_files(self, spec: BackboneSpec, folder: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(folder, tmp_path / "copy")
        assert backbone_identity(spec.name, str(copy)) == backbone_identity(spec.name, str(folder))
        with (copy / "config.json").open("a", encoding="utf-8") as config:
            config.write("\n")
        assert backbone_identity(spec.name, str(copy)) != backbone_identity(spec.name, str(folder))

    def test_without_a_prefix_it_is_the_plain_model(self, backbone: Backbone, folder: Path) -> None:
        tokens = texts_of(backbone)
        with torch.no_grad():
            [features] = backbone.forward([tokens], None, position_offset=True)
            plain = plain_hidden(plain_model(folder), tokens)
        torch.testing.assert_close(features.hidden_RTD[real(tokens)], plain[real(tokens)], rtol=1e-4, atol=1e-4)

    def test_a_prefix_changes_what_heads_read(self, backbone: Backbone) -> None:
        tokens = texts_of(backbone)
        with torch.no_grad():
            one, other = (
                backbone.forward([tokens], prefix, position_offset=True)[0].pooled_RD
                for prefix in (drawn_prompt(backbone, seed, outputs=2).prefix_LKNPH[None] for seed in (1, 2))
            )
        assert not torch.allclose(one, other, atol=1e-3)


def texts_of(backbone: Backbone) -> Tokens:
    """Two texts of different lengths."""
    tokenizer = backbone.tokenizer
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    encoded = tokenizer(["a text", "another text that is longer"], padding=True, return_tensors="pt")
    ids_RT: Tensor = encoded["input_ids"]
    return Tokens(ids_RT, torch.zeros_like(ids_RT), encoded["attention_mask"].sum(dim=1))


def plain_model(folder: Path) -> nn.Module:
    """The model as transformers loads it."""
    from transformers import AutoModel

    model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32)
    loaded: nn.Module = model.eval()
    return loaded
