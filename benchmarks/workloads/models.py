"""Backbones of the four sizes with random weights, and the prompts that students start from and learn from.

Speed does not depend on what the weights are. All comparators get the same ones: the parameters are shared, not copied.

Shape letters: L layers, K = 2 (keys, values), N heads, P prompt length, H head size, C outputs, D hidden size.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel

from benchmarks.workloads.setting import Setting
from panda_ray.backbones import Backbone
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.errors import unknown_name
from panda_ray.prompts.heads import initial_head
from panda_ray.prompts.initialization import initial_prefix
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator

VOCABULARY = 30_522
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Size:
    """A BERT of Table III: feed-forward layers are four times as wide as the hidden size."""

    layers: int
    hidden: int
    heads: int


SIZES = {"tiny": Size(2, 128, 2), "small": Size(4, 512, 8), "base": Size(12, 768, 12), "large": Size(24, 1024, 16)}


def bert_config(backbone: str, attention: str, **more: Any) -> BertConfig:
    """Configuration of a size.

    Raises:
        InputError: for an unknown size.
    """
    if backbone not in SIZES:
        raise unknown_name("backbone", backbone, SIZES)
    size = SIZES[backbone]
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        **more,
    )
    config._attn_implementation = attention
    return config


@lru_cache(maxsize=1)
def _bert(backbone: str, device: torch.device) -> BertModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # Ten times the usual spread: features of untrained weights then depend on the words.
        model: Any = BertModel(bert_config(backbone, "sdpa", initializer_range=0.2))
    frozen: BertModel = model.to(device).requires_grad_(False)
    return frozen


def panda_backbone(setting: Setting) -> Backbone:
    """The backbone as panda_ray holds it."""
    model = _sharing_weights(_bert(setting.backbone, setting.device))
    recomputes = setting.activation_checkpointing
    return Backbone(setting.backbone, model, None, ARCHITECTURES.get("bert"), activation_checkpointing=recomputes)


def classifier(setting: Setting, prompt: Prompt) -> BertForSequenceClassification:
    """The backbone as transformers holds it, with the prompt's head, weights frozen."""
    outputs = len(prompt.head_bias_C)
    dropout = {"hidden_dropout_prob": setting.dropout, "attention_probs_dropout_prob": setting.dropout}
    config = bert_config(setting.backbone, "sdpa", num_labels=outputs, **dropout)
    with torch.device("meta"):
        model = BertForSequenceClassification(config)
    model.bert = _sharing_weights(_bert(setting.backbone, setting.device))
    model.bert.config = config
    for module in model.bert.modules():
        if isinstance(module, nn.Dropout):
            module.p = setting.dropout
    model.classifier = nn.Linear(config.hidden_size, outputs, device=setting.device)
    with torch.no_grad():
        model.classifier.weight.copy_(prompt.head_weight_CD)
        model.classifier.bias.copy_(prompt.head_bias_C)
    return model


def _sharing_weights(model: Module) -> Module:
    """A copy of the modules around the same parameters."""
    return copy.deepcopy(model, {id(weight): weight for weight in model.parameters()})


def student_prompt(setting: Setting, outputs: int) -> Prompt:
    """What every student starts from: panda_ray draws the head from the member's seed."""
    head_weight_CD, head_bias_C = initial_head(outputs, SIZES[setting.backbone].hidden, generator(setting.seed, "head"))
    return Prompt(_prefix(setting, "student", 0), head_weight_CD, head_bias_C)


def teacher_prompt(setting: Setting, outputs: int, member: int) -> Prompt:
    """What a student learns from: each member of a stack has its own."""
    random = generator(setting.seed, "teacher-head", member)
    head_weight_CD, head_bias_C = initial_head(outputs, SIZES[setting.backbone].hidden, random)
    return Prompt(_prefix(setting, "teacher", member), head_weight_CD, head_bias_C)


def _prefix(setting: Setting, purpose: str, member: int) -> torch.Tensor:
    """A prefix (L, K, N, P, H)."""
    geometry = panda_backbone(setting).geometry
    return initial_prefix("normal", 1.0, geometry, setting.prompt_len, generator(setting.seed, purpose, member))
