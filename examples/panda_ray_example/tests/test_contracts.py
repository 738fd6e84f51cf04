"""The plug-ins of this package keep the contracts of panda_ray's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertModel, ElectraConfig

from panda_ray.backbones import BackboneSpec
from panda_ray.backbones.registry import local_folder
from panda_ray.methods import Method
from panda_ray.metrics import Metric
from panda_ray.tasks import TaskSpec
from panda_ray.testing import BackboneContract, EncoderContract, MethodContract, MetricContract, TaskContract
from panda_ray_example.bert_mini import BERT_MINI
from panda_ray_example.blended_pot import BLENDED_POT
from panda_ray_example.same_digits import SAME_DIGITS
from panda_ray_example.token_cosine import TOKEN_COSINE


class TestSameDigits(TaskContract):
    @pytest.fixture
    def spec(self) -> TaskSpec:
        return SAME_DIGITS


class TestBlendedPoT(MethodContract):
    @pytest.fixture
    def method(self) -> Method:
        return BLENDED_POT


class TestTokenCosine(MetricContract):
    @pytest.fixture
    def metric(self) -> Metric:
        return TOKEN_COSINE


class TestBertMini(BackboneContract):
    @pytest.fixture
    def spec(self) -> BackboneSpec:
        return BERT_MINI

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Random weights of its architecture, for those of the Hub are not here."""
        model = BertModel(
            BertConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024)
        )
        model.save_pretrained(tmp_path)
        packaged = local_folder("builtin-tiny", None)
        assert packaged is not None
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(packaged / name, tmp_path)
        return tmp_path


class TestElectra(EncoderContract):
    @pytest.fixture(params=[16, 32], ids=["narrow-words", "words-as-wide"])
    def config(self, request: pytest.FixtureRequest) -> Any:
        return ElectraConfig(
            vocab_size=60,
            embedding_size=request.param,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=64,
            initializer_range=0.2,
        )
