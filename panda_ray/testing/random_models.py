"""Small models with random weights and random inputs of theirs, and how transformers itself runs a model with a prefix.

Shape letters: S members, R rows, T tokens, D hidden size; of a prefix L layers, K = 2, N key/value heads, P prompt
length, H head size.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES


def random_model(config: Any) -> Any:
    """A model of transformers' class for a configuration, the same at every call, in float32 and evaluation mode."""
    from transformers import AutoModel  # a second; whoever imports this module may need none

    with torch.random.fork_rng():
        torch.manual_seed(0)
        auto: Any = AutoModel
        return auto.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()


def random_tokens(vocabulary: int, lengths: list[int], members: int = 1, seed: int = 0) -> Tokens:
    """The same random rows for every member, padded to the longest.

    Args:
        vocabulary: ids are below it and at least 4, padding is 1.
    """
    random = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    ids = torch.randint(4, vocabulary, (len(lengths), longest), generator=random)
    lengths_R = torch.tensor(lengths)
    ids[torch.arange(longest) >= lengths_R.unsqueeze(1)] = 1
    return Tokens(ids.repeat(members, 1), torch.zeros_like(ids).repeat(members, 1), lengths_R.repeat(members))


def random_prefixes(backbone: Backbone, members: int, prompt_len: int = 5, seed: int = 1) -> Tensor:
    """Prefixes (S, L, K, N, P, H)."""
    sizes = backbone.geometry
    shape = (members, sizes.layers, 2, sizes.kv_heads, prompt_len, sizes.head_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def real(tokens: Tokens) -> Tensor:
    """Which tokens are no padding, (R, T)."""
    return torch.arange(tokens.input_ids_RT.shape[1]) < tokens.lengths_R.unsqueeze(1)


def plain_hidden(model: Any, tokens: Tokens) -> Tensor:
    """Last hidden states of a model of transformers without a prefix, (R, T, D)."""
    hidden_RTD: Tensor = model(
        tokens.input_ids_RT, attention_mask=real(tokens).long(), **token_types(model, tokens)
    ).last_hidden_state
    return hidden_RTD


def token_types(model: Any, tokens: Tokens) -> dict[str, Tensor]:
    """The token types as an argument of a model, if it knows any."""
    known = "token_type_ids" in inspect.getfullargspec(inspect.unwrap(model.forward)).args
    return {"token_type_ids": tokens.token_type_ids_RT} if known else {}


def by_cache(model: Any, tokens: Tokens, prefix_LKNPH: Tensor, first_position: int = 0) -> Tensor:
    """Last hidden states, (R, T, D), of rows that all see a prefix, by `past_key_values`, the route of P-Tuning v2.

    It is an independent path through transformers, which leaves the model a decoder.

    Args:
        first_position: that the model gives its first token; RoBERTa begins behind its padding's.
    """
    from transformers import DynamicCache

    rows, length = tokens.input_ids_RT.shape
    prompt_len = prefix_LKNPH.shape[3]
    cache = DynamicCache(config=model.config)
    for layer, (key, value) in enumerate(prefix_LKNPH):
        cache.update(key.expand(rows, *key.shape), value.expand(rows, *value.shape), layer)
    mask = torch.cat((torch.ones(rows, prompt_len, dtype=torch.bool), real(tokens)), dim=1)
    if not ARCHITECTURES.get(model.config.model_type).causal:
        model.config.is_decoder = True  # only a decoder takes a cache; this mask keeps attention bidirectional
        seen = mask[:, None, None, :]
        mask = torch.zeros(rows, 1, length, prompt_len + length).masked_fill(~seen, float("-inf"))
    place_RT = (torch.arange(length) + prompt_len + first_position).expand(rows, length)
    cached = {"past_key_values": cache, "use_cache": True, "attention_mask": mask, "position_ids": place_RT}
    hidden_RTD: Tensor = model(tokens.input_ids_RT, **cached, **token_types(model, tokens)).last_hidden_state
    return hidden_RTD
