"""What running a plan costs: seconds of each stack, from what finished stacks took and from operation counts.

The device that a plan will run on is not known; estimates are for the one on which most stacks of the sweep's
backbones were measured (see `Costs.device`). Nothing here changes what a unit is or what it computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from panda_ray.backbones import BACKBONES, Sizes, backbone_sizes
from panda_ray.execution.costs.samples import Device, Samples, device_of
from panda_ray.execution.costs.speeds import Basis, Estimate, Speeds, embedding_seconds
from panda_ray.execution.costs.task_sizes import KnownSizes
from panda_ray.execution.costs.workload import TaskSize, embedding_work, training_work
from panda_ray.execution.planning.footprints import trains_of
from panda_ray.execution.planning.stack import Stack

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.store.store import Store


class Costs:
    """Seconds of stacks.

    Attributes:
        sizes: of the sweep's backbones, by name.
        tasks: of the sweep's tasks as each backbone sees them, by backbone and task.
        device: what the estimates hold for.
        samples: of what has finished, on any device.
    """

    def __init__(
        self,
        sizes: Mapping[str, Sizes],
        tasks: Mapping[tuple[str, str], TaskSize],
        device: Device,
        samples: Samples,
        prompt_len: int,
    ) -> None:
        self.sizes, self.tasks, self.samples, self._prompt_len = sizes, tasks, samples, prompt_len
        self._speeds = Speeds(device, samples.trainings)
        self._embeddings = embedding_seconds(samples.embeddings, device)
        self._known: dict[tuple[Any, ...], Estimate] = {}

    @classmethod
    def of(cls, plan: Plan, records: Iterable[Mapping[str, Any]]) -> Costs:
        """Costs of a plan's stacks, from the records of its store (of any sweep)."""
        sweep = plan.sweep
        mine = {section.name: backbone_sizes(section.name, section.path) for section in sweep.backbones}
        known = KnownSizes(plan)
        samples = Samples({spec.name: spec.sizes for spec in BACKBONES} | mine, sweep.training.precision)
        for record in records:
            samples.add(record, known.learn(record))
        device = device_of(sweep, samples.trainings)
        return cls(mine, known.of_tasks(mine), device, samples, sweep.training.prompt_len)

    @classmethod
    def in_store(cls, plan: Plan, store: Store) -> Costs:
        """Likewise, from what its store holds; nothing is read where no stack is left to be estimated."""
        return cls.of(plan, (record for _, record in store.records()) if plan.stacks else ())

    def on(self, device: Device) -> Costs:
        """What the same stacks take on another device."""
        return Costs(self.sizes, self.tasks, device, self.samples, self._prompt_len)

    @property
    def device(self) -> Device:
        return self._speeds.device

    def seconds(self, stack: Stack, workers: int = 1) -> Estimate:
        """How long a stack takes with so many workers, start included; it depends on what its members are alone."""
        first = stack.members[0]
        counted = stack.todo if first.config is None else stack.members
        methods = tuple(sorted(Counter((unit.method, len(unit.sources)) for unit in counted).items()))
        trained = None if first.config is None else trains_of(first)
        address = (first.product, first.backbone.name, first.task, first.config, trained, methods, workers)
        if address not in self._known:
            self._known[address] = self._embedding(stack) if first.config is None else self._training(stack, workers)
        return self._known[address]

    def expected(self, stack: Stack, workers: int) -> float:
        """The seconds alone, as schedules use them."""
        return self.seconds(stack, workers).seconds

    def _training(self, stack: Stack, workers: int) -> Estimate:
        first = stack.members[0]
        assert first.config is not None, "a training has hyper-parameters"
        backbone, task = first.backbone.name, first.task
        methods = ((unit.method, len(unit.sources)) for unit in stack.members)
        work = training_work(trains_of(first), methods, self.sizes[backbone], self.tasks[backbone, task], first.config)
        return self._speeds.training(backbone, task, work, workers)

    def _embedding(self, stack: Stack) -> Estimate:
        """Of the embeddings that are left; the metrics of a stack may differ a hundredfold."""
        counts = Counter(unit.method for unit in stack.todo)
        first = stack.members[0]
        parts = [self._of_metric(first.backbone.name, first.task, *each) for each in sorted(counts.items())]
        basis: Basis = max((part.basis for part in parts), key=get_args(Basis).index, default="measured")
        return Estimate(sum(part.seconds for part in parts), basis)

    def _of_metric(self, backbone: str, task: str, metric: str, count: int) -> Estimate:
        for address in ((backbone, task, metric), (backbone, metric)):
            if address in self._embeddings:
                return Estimate(count * self._embeddings[address], "measured" if len(address) == 3 else "extrapolated")
        work = embedding_work(metric, self.sizes[backbone], self.tasks[backbone, task], self._prompt_len)
        one = self._speeds.forward(backbone, task, work)
        return Estimate(count * one.seconds, one.basis)
