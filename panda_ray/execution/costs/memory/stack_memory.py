"""Memory that a stack takes on its device at the most, from sizes alone: what `plan` says before anything is loaded.

It is the sum of what stays (weights, what is trained with its gradients and optimiser, teachers) and of the larger of
two passes: the one that takes gradients, whose layers keep what their backward pass reads, and the one over many rows
without. Held against what trainings took on a CPU it is right within a factor of 1.5 (docs/LOG.md).

Letters: X tokens of a pass, P prompt length, D hidden size, F feed-forward size, S members.
"""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.backbones import Sizes
from panda_ray.backbones.forward.budgets import CHUNK_TOKENS, rows_per_pass
from panda_ray.backbones.weights import WIDTHS, Weights
from panda_ray.execution.costs.operations import linear_weights
from panda_ray.execution.costs.workload import TaskSize
from panda_ray.methods.trains import Trains
from panda_ray.training.config import TrainConfig

_FLOAT = WIDTHS["float32"]
_TRAINED = 4 * _FLOAT
"""Of a trained number: itself, its gradient, and AdamW's two moments."""
_HEAD_SIZE = 64
"""Of every published BERT, RoBERTa, DeBERTa and OPT-350m; only scores that a CPU keeps for dropout depend on it."""


def readable(size: float) -> str:
    """Bytes, for people: `1.5 GiB`, or `0.3 MiB`."""
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.1f} MiB"


@dataclass(frozen=True)
class Memory:
    """Bytes on the device of one stack.

    Attributes:
        activations: at the most: what layers have kept and what one computes, or what a pass without gradients takes.
        kept, passing: of those, what grows with the layers of a device, and what any device that has one takes.
    """

    weights: float
    trained: float
    teachers: float
    activations: float
    kept: float
    passing: float

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    @property
    def parts(self) -> dict[str, float]:
        """What it consists of, by name."""
        return {name: getattr(self, name) for name in ("weights", "trained", "teachers", "activations")}

    def __str__(self) -> str:
        said = ", ".join(f"{name} {readable(size)}" for name, size in self.parts.items() if size)
        return f"{readable(self.total)} ({said})"


@dataclass(frozen=True)
class Hardware:
    """What memory depends on besides what is computed."""

    is_gpu: bool
    activation_checkpointing: bool = False

    @property
    def kind(self) -> str:
        """As passes are bounded by."""
        return "cuda" if self.is_gpu else "cpu"


def stack_memory(
    sizes: Sizes,
    weights: Weights,
    trains: Trains,
    task: TaskSize,
    config: TrainConfig,
    hardware: Hardware,
    members: int,
    teachers: int,
) -> Memory:
    """What a stack of so many members, with so many teachers between them, takes.

    Args:
        trains: what its members train.
        teachers: prompts that are imitated.
    """
    prompt = _trained_numbers(sizes, weights, trains, config.prompt_len)
    kept, step, passing = _activations(sizes, trains, task, config, hardware, members)
    return Memory(
        weights=_held(sizes, weights, config),
        trained=members * prompt * _TRAINED,
        teachers=teachers * prompt * _FLOAT,
        activations=max(kept + step, passing),
        kept=kept,
        passing=max(step, passing),
    )


def _held(sizes: Sizes, weights: Weights, config: TrainConfig) -> float:
    """The model, and its matrices in bfloat16 where they are computed with in it and held in float32."""
    is_cast = config.precision == "bf16" and weights.type == "float32"
    cast = linear_weights(sizes) * WIDTHS["bfloat16"] if is_cast else 0.0
    return weights.parameters * WIDTHS[weights.type] + cast


def _trained_numbers(sizes: Sizes, weights: Weights, trains: Trains, prompt_len: int) -> float:
    """Of one member; a network that makes a prefix or mixes several is left out, and what it makes counts."""
    if trains.gradients == "weights":
        return weights.parameters
    if trains.as_tokens:
        return prompt_len * sizes.hidden
    if trains.bottleneck:
        return 2 * sizes.layers * (2 * sizes.hidden * trains.bottleneck + trains.bottleneck + sizes.hidden)
    return 2 * sizes.layers * prompt_len * (sizes.kv_hidden or sizes.hidden)


def _activations(
    sizes: Sizes, trains: Trains, task: TaskSize, config: TrainConfig, hardware: Hardware, members: int
) -> tuple[float, float, float]:
    """Of a step's largest pass what layers keep and what one of them computes; and what an evaluation takes."""
    tokens = task.tokens_per_row + (config.prompt_len if trains.as_tokens else 0)
    example = members * task.rows_per_example * tokens
    step = max(example, min(config.batch_size * example, CHUNK_TOKENS[hardware.kind]))
    rows = min(members * task.dev_examples * task.rows_per_example, rows_per_pass(hardware.kind, sizes.hidden))
    keys = 1.0 if trains.as_tokens else 1 + config.prompt_len / task.tokens_per_row
    layer = _kept_of_layer(sizes, trains, config, hardware, keys, tokens)
    kept = _FLOAT * sizes.hidden if hardware.activation_checkpointing else layer
    if trains.gradients == "none":
        return 0.0, 0.0, max(step, rows * tokens) * _passing(sizes, config)
    return step * sizes.layers * kept, step * 2 * layer, rows * tokens * _passing(sizes, config)


def _kept_of_layer(
    sizes: Sizes, trains: Trains, config: TrainConfig, hardware: Hardware, keys: float, tokens: float
) -> float:
    """Bytes per token that one layer keeps for its backward pass.

    Queries, keys and values (each query head has its own copy) and what attention gives of them; what two norms read;
    what the activation function reads, and of a gated part both of its factors; masks of dropout. Frozen matrices keep
    nothing of their input; those that are trained keep it.

    Args:
        keys: per token, those of the prompt included.
    """
    width = WIDTHS["bfloat16"] if config.precision == "bf16" else _FLOAT
    query = sizes.query_hidden or sizes.hidden
    numbers = query * (2 + 2 * keys) + (3 if sizes.gated else 1) * sizes.feed_forward
    scores = tokens * keys * query / _HEAD_SIZE
    if sizes.position_terms:
        numbers += (1 + sizes.position_terms) * scores
    kept = width * numbers + _FLOAT * 2 * sizes.hidden
    if config.dropout:
        kept += (1 if hardware.is_gpu else width) * (0 if sizes.gated else 2 * sizes.hidden)
        kept += 0 if hardware.is_gpu else width * 3 * scores
    if trains.gradients == "weights":
        kept += width * (sizes.hidden + query + sizes.feed_forward)
    return kept


def _passing(sizes: Sizes, config: TrainConfig) -> float:
    """Bytes per token in a pass without gradients, where a layer is widest: its feed-forward part, or its attention."""
    width = WIDTHS["bfloat16"] if config.precision == "bf16" else _FLOAT
    query = sizes.query_hidden or sizes.hidden
    return _FLOAT * 2 * sizes.hidden + width * max((3 if sizes.gated else 2) * sizes.feed_forward, 4 * query)
