"""(d): how the released PanDa code trains, written anew for today's transformers.

Every row is padded to 128 tokens. The prefix is an embedding (P-Tuning v2) with dropout, handed down as
`past_key_values`. The teacher is a second full model in train mode, run with autograd on at every step: the gradient of
the distillation loss (mean squared difference of the logits, divided by the batch once more) reaches the teacher's own
prompt, and is then thrown away.

More generous than the original: a plain loop over tensors that are on the device before the clock starts, instead of
a Trainer and a DataLoader; fused AdamW; PyTorch's fused attention; no evaluation; bf16 on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache

from benchmarks.competitors.losses import task_loss
from benchmarks.workloads.models import classifier, student_prompt, teacher_prompt
from benchmarks.workloads.setting import Setting
from benchmarks.workloads.workload import example_order, make_task
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedSplit

_BETA = 0.1
"""Factor of the distillation loss in the released code."""


class PrefixClassifier(nn.Module):
    """A frozen BERT with an embedded prefix and a linear head."""

    def __init__(self, setting: Setting, prompt: Prompt) -> None:
        super().__init__()
        self._bert_and_head = classifier(setting, prompt)
        self._layers, _, self._heads, self._prompt_len, self._head_size = prompt.prefix_LKNPH.shape
        matrix = prompt.prefix_LKNPH.permute(3, 0, 1, 2, 4).reshape(self._prompt_len, -1)
        self.prefix = nn.Embedding(self._prompt_len, matrix.shape[1], device=setting.device)
        with torch.no_grad():
            self.prefix.weight.copy_(matrix)
        self.dropout = nn.Dropout(setting.dropout)

    def forward(self, input_ids_BT: Tensor, token_type_ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Logits (B, C)."""
        rows = len(input_ids_BT)
        index_BP = torch.arange(self._prompt_len, device=input_ids_BT.device).expand(rows, -1)
        shape = (rows, self._prompt_len, 2 * self._layers, self._heads, self._head_size)
        prefix = self.dropout(self.prefix(index_BP).view(shape)).permute(2, 0, 3, 1, 4).split(2)
        cache = DynamicCache([(keys, values) for keys, values in prefix])
        sees_all_BX = torch.cat((mask_BT.new_ones(rows, self._prompt_len), mask_BT), dim=1)
        output = self._bert_and_head.bert(
            input_ids_BT, attention_mask=sees_all_BX, token_type_ids=token_type_ids_BT, past_key_values=cache
        )
        logits_BC: Tensor = self._bert_and_head.classifier(self.dropout(output.pooler_output))
        return logits_BC


def prepare(setting: Setting) -> Callable[[], list[float]]:
    """A training of one student; it returns the loss of each step."""
    task = make_task(setting)
    outputs = task.spec.output_size
    split = _padded(task.train, setting.max_len).to(setting.device)
    student = PrefixClassifier(setting, student_prompt(setting, outputs)).train()
    teacher = None
    if setting.method == "panda":
        teacher = PrefixClassifier(setting, teacher_prompt(setting, outputs, 0)).train()
    order = example_order(setting).to(setting.device)

    def train() -> list[float]:
        return _train(setting, student, teacher, split, order)

    return train


def _train(
    setting: Setting, student: PrefixClassifier, teacher: PrefixClassifier | None, split: EncodedSplit, order: Tensor
) -> list[float]:
    trained = [weight for weight in student.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=setting.lr, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / setting.steps)
    autocast = torch.autocast(setting.device.type, torch.bfloat16, enabled=setting.precision == "bf16")
    mask_RT = torch.arange(setting.max_len, device=setting.device) < split.lengths_R.unsqueeze(1)
    losses = []
    for row_B in torch.split(order, setting.batch_size):
        inputs = split.input_ids_RT[row_B], split.token_type_ids_RT[row_B], mask_RT[row_B]
        with autocast:
            logits_BC = student(*inputs)
            loss = task_loss(logits_BC.float(), split.labels[row_B])
            if teacher is not None:
                loss = loss + _BETA * F.mse_loss(logits_BC, teacher(*inputs)) / len(row_B)
        torch.autograd.backward(loss)
        if teacher is not None:
            teacher.zero_grad()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return [float(loss) for loss in torch.stack(losses).tolist()]


def _padded(split: EncodedSplit, length: int) -> EncodedSplit:
    missing = (0, length - split.input_ids_RT.shape[1])
    return replace(
        split,
        input_ids_RT=F.pad(split.input_ids_RT, missing),
        token_type_ids_RT=F.pad(split.token_type_ids_RT, missing),
    )
