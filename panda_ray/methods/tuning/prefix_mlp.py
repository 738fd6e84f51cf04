"""Prefix tuning with reparameterisation (Li & Liang, 2021, https://arxiv.org/abs/2101.00190, Sec. 4.3): no transfer.

The prefix is Linear(M, 2 L D) of tanh of Linear(D, M) of an embedding of each virtual token, as in P-Tuning v2's code
with `prefix_projection`. After the training the MLP is not needed: what is kept is the prefix that it makes, which
serves and exports like every other. The embeddings start from the initialiser, the weights of the MLP from N(0, 0.02^2)
and its biases from 0, which is how transformers drew what a checkpoint lacks when that code was run. An MLP is trained
at 1e-2, the highest rate of the PanDa paper's grid, unless a sweep file gives one: at rates that suit bare prefixes it
may saturate, as it does at the 6e-2 of the built-in suite's tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import Hyperparameters, TaskSpec
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor

_LR = 1e-2
_STD = 0.02


class PrefixMlpOptions(MethodOptions):
    """Options of prefix tuning with an MLP."""

    mlp_width: int = Field(default=512, ge=1)
    """M; P-Tuning v2's code has 512."""


class PrefixMlp(Method):
    """Embeddings and an MLP that makes a prefix of them, trained on the task."""

    name = "prefix_mlp"
    summary = "no transfer: the prefix is made by an MLP of trained embeddings (Li & Liang); only the prefix is kept"
    Options = PrefixMlpOptions

    def trains(self, options: Mapping[str, Any]) -> Trains:
        # An MLP is run once per step and not per row: its operations are no matter beside the backbone's.
        return Trains(f"prefix of an MLP of width {options['mlp_width']}")

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return replace(task.hyperparameters, lr=_LR)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.mlp_prefixes import MlpPrefixes
        from panda_ray.training.trainables.trainable import Part

        assert isinstance(options, PrefixMlpOptions)
        start = Part(MlpPrefixes, _fresh(inputs, options.mlp_width))
        return Member(inputs.name, inputs.seed, inputs.config.lr, start)


def _fresh(inputs: Inputs, width: int) -> Mapping[str, Tensor]:
    import torch

    from panda_ray.prompts.initialization import initial_values
    from panda_ray.seeding import generator

    config, sizes, random = inputs.config, inputs.geometry, generator(inputs.seed, "prefix-mlp")
    outputs = sizes.layers * 2 * sizes.kv_heads * sizes.head_size
    shape = (config.prompt_len, sizes.hidden)
    return {
        "embedding": initial_values(config.initialization, config.initialization_scale, shape, random),
        "down.weight": _STD * torch.randn((width, sizes.hidden), generator=random),
        "down.bias": torch.zeros(width),
        "up.weight": _STD * torch.randn((outputs, width), generator=random),
        "up.bias": torch.zeros(outputs),
        "prefix_shape": torch.tensor([sizes.layers, sizes.kv_heads, sizes.head_size]),
    }
