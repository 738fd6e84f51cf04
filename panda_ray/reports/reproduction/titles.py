"""What methods and metrics of the paper's sweeps are called in its tables; a label without a title is its own."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "model_tuning": "model tuning",
    "lester": "prompt tuning (Lester et al.)",
    "houlsby": "adapters (Houlsby et al.)",
    "prefix_mlp": "prefix with an MLP",
    "prompt_tuning": "prompt tuning (P-tuning v2)",
    "pot": "vanilla PoT",
    "panda": "PanDa",
    "attempt": "ATTEMPT",
    "sesom": "SESoM",
    "source_model": "the source's model",
    "panda-early": "PanDa, early fusion",
    "panda-late": "PanDa, late fusion",
    "e_avg": "E_avg",
    "on": "ON",
    "task_embedding": "task embedding",
}


def title(label: str) -> str:
    """For people."""
    return TITLES.get(label, label)
