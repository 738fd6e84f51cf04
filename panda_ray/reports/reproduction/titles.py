"""What the paper calls methods, metrics, tasks and backbones; a label without a title is its own."""

from __future__ import annotations

from collections.abc import Mapping

_TASKS = (
    *("BoolQ", "CB", "RTE", "WiC", "WSC", "COPA", "MultiRC", "ReCoRD", "MNLI", "CoLA", "QNLI", "MRPC", "QQP"),
    *("SQuAD", "CoNLL03", "CoNLL04", "CoNLL05", "CoNLL12", "OntoNotes"),
)
_BACKBONES = (
    *(f"BERT-{size}" for size in ("large", "base", "medium", "small", "tiny")),
    *("DeBERTa-v2-xlarge", "OPT-350m", "LLaMA2-7b"),
)
_GROUPS = ("NLI", "QA", "NER", "SRL")

TITLES: Mapping[str, str] = {
    **{name.lower(): name for name in (*_TASKS, *_BACKBONES, *_GROUPS)},
    "sst2": "SST-2",
    "stsb": "STS-B",
    "semantic_matching": "semantic matching",
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
    """For people; several names, `mnli+qnli`, each by its own."""
    return " + ".join(TITLES.get(name, name) for name in label.split("+"))
