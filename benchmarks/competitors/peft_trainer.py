"""(c): Hugging Face PEFT's prefix tuning under `transformers.Trainer` in its best ordinary settings, one by one.

The teacher is a second PEFT model in eval mode, run without autograd at every step. Rows are tensors before the clock
starts, a batch is padded to its own longest row, and nothing is logged, evaluated or saved. Grouping by length is off:
it would change which examples a step sees.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import torch
from peft import PeftModel, PrefixTuningConfig, TaskType, get_peft_model
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments

from benchmarks.competitors.losses import distillation_loss, task_loss
from benchmarks.workloads.models import classifier, student_prompt, teacher_prompt
from benchmarks.workloads.setting import KD_WEIGHT, Setting
from benchmarks.workloads.workload import example_order, make_task
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedSplit

Example = dict[str, Tensor]


def prepare(setting: Setting) -> Callable[[], list[float]]:
    """A training of one student; it returns the loss of each step."""
    task = make_task(setting)
    outputs = task.spec.output_size
    student = _peft_model(setting, student_prompt(setting, outputs))
    teacher = None
    if setting.method == "panda":
        teacher = _peft_model(setting, teacher_prompt(setting, outputs, 0)).eval()
    trainer = _Trainer(
        model=student,
        args=_arguments(setting),
        train_dataset=_Rows(task.train, example_order(setting)),
        data_collator=_pad,
        teacher=teacher,
    )

    def train() -> list[float]:
        trainer.train()
        return [float(loss) for loss in torch.stack(trainer.losses).tolist()]

    return train


class _Trainer(Trainer):
    """Adds the distillation loss and remembers the losses, on the device."""

    def __init__(self, *, teacher: PeftModel | None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._teacher = teacher
        self.losses: list[Tensor] = []
        self.remove_callback(PrinterCallback)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        labels_B = inputs.pop("labels")
        logits_BC = model(**inputs).logits
        loss = task_loss(logits_BC, labels_B)
        if self._teacher is not None:
            with torch.no_grad(), self.compute_loss_context_manager():
                teacher_BC = self._teacher(**inputs).logits
            loss = loss + KD_WEIGHT * distillation_loss(logits_BC, teacher_BC)
        self.losses.append(loss.detach())
        return loss


def _peft_model(setting: Setting, prompt: Prompt) -> PeftModel:
    """PEFT's model with that prompt and head."""
    config = PrefixTuningConfig(task_type=TaskType.SEQ_CLS, num_virtual_tokens=setting.prompt_len)
    model = get_peft_model(classifier(setting, prompt), config)
    embedding: Any = model.prompt_encoder["default"].embedding
    # PEFT stores one row per virtual token: layers, then keys and values, then heads.
    matrix = prompt.prefix_LKNPH.permute(3, 0, 1, 2, 4).reshape(embedding.weight.shape)
    with torch.no_grad():
        embedding.weight.copy_(matrix)
    return model


def _arguments(setting: Setting) -> TrainingArguments:
    return TrainingArguments(
        output_dir=tempfile.gettempdir(),
        use_cpu=setting.device.type == "cpu",
        bf16=setting.precision == "bf16",
        per_device_train_batch_size=setting.batch_size,
        max_steps=setting.steps,
        learning_rate=setting.lr,
        weight_decay=0.0,
        max_grad_norm=1.0,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        train_sampling_strategy="sequential",  # the rows are already in the order in which panda_ray sees them
        dataloader_pin_memory=setting.device.type == "cuda",
        remove_unused_columns=False,
        logging_strategy="no",
        logging_nan_inf_filter=False,  # it would wait for the device at every step
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=setting.seed,
    )


class _Rows(Dataset[Example]):
    """The examples of all steps in their order, without padding."""

    def __init__(self, split: EncodedSplit, order: Tensor) -> None:
        self._examples: list[Example] = []
        for row in order.tolist():
            length = int(split.lengths_R[row])
            ids_T, types_T = split.input_ids_RT[row, :length], split.token_type_ids_RT[row, :length]
            example = {"input_ids": ids_T, "token_type_ids": types_T, "attention_mask": torch.ones_like(ids_T)}
            self._examples.append({**example, "labels": split.labels[row]})

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        return self._examples[index]


def _pad(examples: list[Example]) -> Example:
    """Dynamic padding: to the longest row of the batch."""
    names = ("input_ids", "token_type_ids", "attention_mask")
    batch = {name: pad_sequence([example[name] for example in examples], batch_first=True) for name in names}
    return {**batch, "labels": torch.stack([example["labels"] for example in examples])}
