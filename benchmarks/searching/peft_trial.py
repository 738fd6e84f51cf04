"""A trial as people write it for Ray Tune: PEFT's prefix tuning of one point under `transformers.Trainer`.

It knows nothing of panda_ray but the rows: model and tokenizer are read by transformers, rows are padded to the longest
of their batch, and the dev set is scored after each epoch, as a search needs it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)


@dataclass(frozen=True)
class TextRows:
    """Sentences with their classes."""

    texts: Sequence[str]
    labels: Sequence[int]


@dataclass(frozen=True)
class Material:
    """What all trials have in common.

    Attributes:
        model: folder of the backbone.
    """

    model: str
    prompt_len: int
    max_len: int
    train: TextRows
    dev: TextRows


def train_point(point: Mapping[str, Any], seed: int, material: Material) -> tuple[float, float]:
    """Train one point; the accuracy of the best epoch in percent, and the seconds of CPU of the training call alone."""
    torch.manual_seed(seed)
    tokenizer: Any = AutoTokenizer.from_pretrained(material.model)
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        material.model,
        num_labels=len(set(material.train.labels)),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    prefix = PrefixTuningConfig(task_type=TaskType.SEQ_CLS, num_virtual_tokens=material.prompt_len)
    train, dev = (
        [
            {**tokenizer(text, truncation=True, max_length=material.max_len), "labels": label}
            for text, label in zip(rows.texts, rows.labels, strict=True)
        ]
        for rows in (material.train, material.dev)
    )
    trainer = Trainer(
        model=get_peft_model(model, prefix),
        args=_arguments(point, seed),
        train_dataset=train,
        eval_dataset=dev,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=_accuracy,
    )
    trainer.remove_callback(PrinterCallback)
    began = time.process_time()
    trainer.train()
    seconds = time.process_time() - began
    scores = [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry]
    return 100 * max(scores), seconds


def _accuracy(found: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float(np.mean(np.argmax(found.predictions, axis=-1) == found.label_ids))}


def _arguments(point: Mapping[str, Any], seed: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=tempfile.gettempdir(),
        use_cpu=True,
        per_device_train_batch_size=point["batch_size"],
        per_device_eval_batch_size=64,
        num_train_epochs=point["epochs"],
        learning_rate=point["lr"],
        weight_decay=0.0,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="epoch",
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )
