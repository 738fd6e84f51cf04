"""From engine outputs to predictions; `measures/scores.py` goes on from there to the score.

Shape letters: E examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds import candidate_ranking, extractive_qa, sentence, tagging
from panda_ray.tasks.task import Kind, TaskSpec

Decoder = Callable[[TaskSpec, EncodedSplit, NDArray[Any]], tuple[Any, ...]]

DECODERS: Mapping[Kind, Decoder] = {
    "classification": sentence.decode_classes,
    "regression": sentence.decode_numbers,
    "multiple_choice": sentence.decode_classes,
    "tagging": tagging.decode,
    "extractive_qa": extractive_qa.decode,
    "candidate_ranking": candidate_ranking.decode,
}


def decode(spec: TaskSpec, split: EncodedSplit, outputs: NDArray[Any]) -> tuple[Any, ...]:
    """One JSON value per item: a class code, a number, a list of tag names or an answer text.

    Args:
        outputs: classification (E, C) logits; regression (E, 1); multiple choice (E, K) logits; tagging (E, T) tag
            ids; extractive QA (E, 2, T) start and end logits; candidate ranking (E, 2) logits.
    """
    if len(outputs) != split.examples:
        raise ValueError(f"{len(outputs)} outputs for the {split.examples} examples of task {spec.name}")
    return DECODERS[spec.kind](spec, split, outputs)
