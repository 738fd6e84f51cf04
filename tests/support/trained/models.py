"""Small random backbones for tests: every architecture, fast to build, no download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from transformers import (
    BertConfig,
    DebertaV2Config,
    LlamaConfig,
    OPTConfig,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
)

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.testing import random_models

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,  # ten times the usual, so that untrained features depend on the words
}
DEBERTA_SIZES: dict[str, Any] = SIZES | {
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": "p2c|c2p",
    "pad_token_id": 1,
}
"""Without buckets, convolution and shared projections, as the first large models were."""
BUCKETS: dict[str, Any] = {"position_buckets": 8, "share_att_key": True, "norm_rel_ebd": "layer_norm"}
OPT_SIZES: dict[str, Any] = SIZES | {"ffn_dim": 48, "init_std": 0.2}
LLAMA_3_POSITIONS: dict[str, Any] = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
"""Rotary positions whose low frequencies are slower than those the model was trained with."""
CONFIGS: dict[str, Callable[[], Any]] = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: RobertaConfig(**SIZES, type_vocab_size=1, pad_token_id=1),
    "deberta-v2": lambda: DebertaV2Config(**DEBERTA_SIZES | BUCKETS, conv_kernel_size=3, conv_act="gelu"),
    "deberta-one-layer": lambda: DebertaV2Config(
        **DEBERTA_SIZES | BUCKETS | {"num_hidden_layers": 1}, conv_kernel_size=3, conv_act="gelu"
    ),
    "deberta-v3": lambda: DebertaV2Config(**DEBERTA_SIZES | BUCKETS),
    "deberta-plain": lambda: DebertaV2Config(**DEBERTA_SIZES | {"position_biased_input": True, "type_vocab_size": 2}),
    "opt": lambda: OPTConfig(**OPT_SIZES),
    "opt-350m": lambda: OPTConfig(**OPT_SIZES, do_layer_norm_before=False, word_embed_proj_dim=16),
    "llama": lambda: LlamaConfig(**SIZES),
    "llama-grouped": lambda: LlamaConfig(**SIZES, num_key_value_heads=2),
    "llama-3": lambda: LlamaConfig(**SIZES, num_key_value_heads=2, rope_parameters=LLAMA_3_POSITIONS),
    "llama-wide": lambda: LlamaConfig(**SIZES, num_key_value_heads=2, head_dim=16),
    "qwen2": lambda: Qwen2Config(**SIZES, num_key_value_heads=2),
    "qwen2-window": lambda: Qwen2Config(
        **SIZES, num_key_value_heads=4, use_sliding_window=True, sliding_window=32, max_window_layers=1
    ),
    "qwen3": lambda: Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=16),
}
"""Tiny configurations by name, at least one of each registered architecture."""


class Around:
    """A tokenizer as metrics ask for it: the ids that it puts around a text.

    Args:
        ids: around the empty one.
    """

    def __init__(self, ids: Sequence[int] = (2, 3)) -> None:
        self._ids = list(ids)

    def __call__(self, text: str) -> dict[str, list[int]]:
        assert not text
        return {"input_ids": self._ids}


def random_model(name: str = "bert") -> Any:
    """The model of a configuration, with weights that the name alone decides."""
    return random_models.random_model(CONFIGS[name]())


def random_backbone(name: str = "bert", around: Sequence[int] = (2, 3)) -> Backbone:
    model = random_model(name)
    return Backbone(name, model, Around(around), ARCHITECTURES.get(model.config.model_type))


def random_tokens(lengths: list[int], members: int = 1, seed: int = 0) -> Tokens:
    """The same random rows for every member, padded to the longest, for any of these configurations."""
    return random_models.random_tokens(SIZES["vocab_size"], lengths, members, seed)
