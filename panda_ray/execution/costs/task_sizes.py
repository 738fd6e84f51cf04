"""How many examples and tokens a task has: counted by finished stacks where there are any, else estimated.

A count holds for exactly these rows cut at exactly this length. The mean length of a task's rows is taken from other
samples of it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from panda_ray.execution.costs.workload import TaskSize
from panda_ray.sweep.named_tasks import own_names, task_of
from panda_ray.tasks import TASKS

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan

Record = Mapping[str, Any]


class KnownSizes:
    """Sizes of the tasks of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._max_len = plan.sweep.training.max_len
        self._fingerprints = {unit.task: unit.data.fingerprint for unit in plan.units.values()}
        own = [task_of(name, plan.sweep.tasks) for name in own_names(plan.sweep.tasks) if name in plan.extents]
        self._read_everywhere = frozenset(task.name for task in (*TASKS, *own) if task.kind.reads_tokens)
        self._planned = self._of_plan(plan)
        self._counted: dict[tuple[str, ...], TaskSize] = {}

    def learn(self, record: Record) -> TaskSize | None:
        """Take what a finished unit says of its task, and return it; None where neither it nor the plan knows it."""
        if "tokens_per_example" in record:
            size = self._of_record(record)
            self._keep(record, size)
            return size
        data = record["identity"]["data"]
        return self._planned.get(data["task"]) if self._fingerprints.get(data["task"]) == data["fingerprint"] else None

    def of_tasks(self, backbones: Iterable[str]) -> dict[tuple[str, str], TaskSize]:
        """The size of every task as each backbone sees it, by backbone and task."""
        return {(backbone, task): self._size(backbone, task) for backbone in backbones for task in self._planned}

    def _keep(self, record: Record, size: TaskSize) -> None:
        """Keep a size under all that it may be looked up by."""
        identity = record["identity"]
        if identity["config"]["max_len"] != self._max_len:
            return
        task, rows = identity["data"]["task"], identity["data"]["fingerprint"]
        for address in ((record["backbone"], rows), (rows,), (record["backbone"], "any", task), ("any", task)):
            self._counted.setdefault(address, size)

    def _size(self, backbone: str, task: str) -> TaskSize:
        rows = self._fingerprints.get(task, "")
        exact = self._counted.get((backbone, rows)) or self._counted.get((rows,))
        if exact is not None:
            return exact
        near = self._counted.get((backbone, "any", task)) or self._counted.get(("any", task))
        planned = self._planned[task]
        return planned if near is None else replace(planned, tokens_per_row=near.tokens_per_row)

    def _of_record(self, record: Record) -> TaskSize:
        return TaskSize(
            train_examples=record["train_examples"],
            dev_examples=record["dev_examples"],
            rows_per_example=record["rows_per_example"],
            tokens_per_row=record["tokens_per_example"] / record["rows_per_example"],
            every_token=record["identity"]["data"]["task"] in self._read_everywhere,
        )

    def _of_plan(self, plan: Plan) -> dict[str, TaskSize]:
        """Tasks as their rows look without a tokenizer."""
        sizes = {}
        for task, extent in plan.extents.items():
            per_row = extent.examples_per_row(self._max_len)
            sizes[task] = TaskSize(
                train_examples=extent.train_rows * per_row,
                dev_examples=extent.dev_rows * per_row,
                rows_per_example=extent.rows_per_example,
                tokens_per_row=extent.tokens_per_row(self._max_len),
                every_token=task in self._read_everywhere,
            )
        return sizes
