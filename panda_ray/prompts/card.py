"""The card of an exported prompt: what it is, how good, and how to use it, with panda_ray and without."""

from __future__ import annotations

import json

from panda_ray.foreign_text import markdown_text
from panda_ray.prompts.exported import ExportedPrompt

_FEATURES = {
    "pooler": "model.get_base_model().pooler(hidden)",
    "first": "hidden[:, 0]",
    "last": 'hidden[range(len(texts)), rows["attention_mask"].sum(dim=1) - 1]',
    "tokens": "hidden",
}
_READS = {
    "pooler": "what the backbone's pooler makes of the first token, not its hidden state",
    "first": "the hidden state of the first token",
    "last": "the hidden state of the last token",
    "tokens": "the hidden state of every token",
}


def card(said: ExportedPrompt, answer: str, example: str | None) -> str:
    """The card as Markdown, with the header that the Hugging Face Hub reads.

    Args:
        answer: how outputs become predictions.
        example: a text as the task makes it of a row, where it may be shown.
    """
    base = said.repository or said.backbone
    header = ["library_name: peft", f"base_model: {json.dumps(base)}", "license: other", "tags: [prompt-tuning]"]
    lines = ["---", *header, "---", "", *_about(said, base), *_text(said, answer, example), *_code(said)]
    return "\n".join(lines) + "\n"


def _about(said: ExportedPrompt, base: str) -> list[str]:
    origin = f", started from {', '.join(map(markdown_text, said.sources))}" if said.sources else ""
    reported = "of the best epoch" if said.protocol == "paper" else "on the half of the dev rows that chose no epoch"
    return [
        f"# {markdown_text(said.task)} on {markdown_text(base)}",
        "",
        f"A prompt of length {said.prompt_len} for the frozen backbone `{said.identity}`, with its head.",
        "",
        "| | |",
        "| --- | --- |",
        f"| method | {markdown_text(said.method)}{origin} (seed {said.seed}) |",
        f"| score | {said.measure} {said.score:.1f}, {reported} |",
        f"| trained on | {said.train_examples:,} examples, fingerprint `{said.fingerprint[:16]}` |",
        f"| kind | {said.task_kind} |",
        f"| labels | {', '.join(map(markdown_text, said.labels)) or 'none'} |",
        f"| licence | {markdown_text(said.licence)}; the backbone has its own |",
        f"| key | `{said.key}` |",
        "",
    ]


def _text(said: ExportedPrompt, answer: str, example: str | None) -> list[str]:
    lines = [
        "## New rows",
        "",
        "    panda-ray predict . rows.csv",
        "",
        f"labels rows with the columns {', '.join(map(markdown_text, said.columns))}, with probabilities.",
        f"A text has at most {said.max_len} tokens; the head reads {_READS[said.pooling]}; {answer}.",
    ]
    if example is not None:
        lines += ["A text looks like this:", "", f"    {example}"]
    return [*lines, ""]


def _code(said: ExportedPrompt) -> list[str]:
    front = f"[:, {said.front} :]  # the virtual tokens come first" if said.front else ""
    where = [f"base, revision = {json.dumps(said.location)}, None"]
    if said.location is None:
        where = [
            "from panda_ray.backbones.registry import model_location  # the backbone is part of that package",
            "",
            f"base, revision = model_location({json.dumps(said.backbone)}), None",
        ]
    elif said.repository is not None:
        where = [f"base, revision = {json.dumps(said.repository)}, {json.dumps(said.identity.partition('@')[2])}"]
    return [
        "## Without panda_ray",
        "",
        "In this folder, with `peft` and `transformers`:",
        "",
        "```python",
        "import torch",
        "from peft import PeftModel",
        "from safetensors.torch import load_file",
        "from transformers import AutoModel, AutoTokenizer",
        *where,
        "tokenizer = AutoTokenizer.from_pretrained(base, revision=revision)",
        'tokenizer.padding_side, tokenizer.pad_token = "right", tokenizer.pad_token or tokenizer.eos_token',
        'model = PeftModel.from_pretrained(AutoModel.from_pretrained(base, revision=revision), ".").eval()',
        'head = load_file("head.safetensors")',
        'texts = ["a text"]  # of pairs: tokenizer(texts, pairs, ...)',
        f'rows = tokenizer(texts, truncation=True, max_length={said.max_len}, padding=True, return_tensors="pt")',
        "with torch.no_grad():",
        f"    hidden = model(**rows).last_hidden_state{front}",
        f"    features = {_FEATURES[said.pooling]}",
        'outputs = features @ head["weight"].T + head["bias"]',
        "```",
    ]
