"""What a backbone makes of a target's labelled training rows with each of several source prompts.

It is what heads read: the pooled vector of a row, or the hidden state of a token. All prompts are members of one stack
and pass together.

Shape letters: S prompts, B examples of a pass, X labelled rows or tokens, D hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from panda_ray.seeding import derive_seed
from panda_ray.tasks.kinds.labelled import Labelled

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.backbones.backbone import Backbone, Features
    from panda_ray.metrics.pairs.pair_metric import PairOptions
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask

Feature = Literal["pooler", "last_hidden"]


def labelled_places(task: EncodedTask, most: int, seed: int) -> tuple[NDArray[np.int64], Labelled]:
    """A seeded sample of the training set: examples (B,), and their labelled places, at most so many."""
    draw = np.random.default_rng(derive_seed(seed, "pair-metric"))
    example_B = np.sort(draw.permutation(task.train.examples)[:most])
    labelled = task.spec.kind.labelled(task.train, example_B, seed)
    if len(labelled) > most:
        labelled = labelled.some(np.sort(draw.permutation(len(labelled))[:most]))
    return example_B, labelled


def read_labelled(
    backbone: Backbone, prompts: Sequence[Prompt], task: EncodedTask, options: PairOptions, feature: Feature
) -> tuple[NDArray[np.float32], Labelled] | None:
    """Features (S, X, D) of a sample of the labelled places, with each prompt; None where all labels are the same.

    Raises:
        InputError: as `pair_features`.
    """
    example_B, labelled = labelled_places(task, options.rows, options.seed)
    if len(np.unique(labelled.label_X)) < 2:
        return None
    return pair_features(backbone, prompts, task, example_B, labelled, feature), labelled


def pair_features(
    backbone: Backbone,
    prompts: Sequence[Prompt],
    task: EncodedTask,
    example_B: NDArray[np.int64],
    labelled: Labelled,
    feature: Feature,
) -> NDArray[np.float32]:
    """Features (S, X, D) of the labelled places of some training examples, with each prompt.

    Args:
        prompts: of one length, and all with positions that start at it, or none.
        feature: of kinds whose heads read one vector per row: the pooled one, or the hidden state that it is made of.

    Raises:
        InputError: the checkpoint has no pooler.
    """
    import torch

    from panda_ray.backbones.forward.row_reader import RowReader

    reader = RowReader(task.train.to(backbone.device))
    prefix_SLKNPH = torch.stack([prompt.prefix_LKNPH for prompt in prompts]).to(backbone.device)
    feature_SXD = np.empty((len(prompts), len(labelled), backbone.geometry.hidden), dtype=np.float32)
    by_length = reader.sorted_by_length(torch.from_numpy(example_B).unsqueeze(0))[0]
    own_X = example_B[labelled.example_X]
    for part_B in torch.split(by_length, reader.examples_per_pass(len(prompts), backbone.geometry.hidden)):
        there_X = np.isin(own_X, part_B.numpy())
        if not there_X.any():
            continue
        index_SB = part_B.repeat(len(prompts), 1)
        with torch.no_grad():
            (features,) = backbone.forward(
                [reader.tokens(index_SB)],
                prefix_SLKNPH,
                position_offset=prompts[0].position_offset,
                pooled_only=not task.spec.kind.reads_tokens,
            )
        read_SBYD = _read(features, len(prompts), len(part_B), task.spec.kind.reads_tokens, feature)
        position = {example: at for at, example in enumerate(part_B.tolist())}
        at_X = [position[example] for example in own_X[there_X].tolist()]
        feature_SXD[:, there_X] = read_SBYD[:, at_X, labelled.place_X[there_X]].float().cpu().numpy()
    return feature_SXD


def _read(features: Features, members: int, examples: int, reads_tokens: bool, feature: Feature) -> Tensor:
    """Features by member, example and place within it: (S, B, tokens or rows, D)."""
    if reads_tokens or feature == "last_hidden":
        read = features.hidden_RTD if reads_tokens else features.hidden_RTD[:, 0]
    else:
        read = features.pooled_RD
    return read.reshape(members, examples, -1, read.shape[-1])
