"""Computing embeddings: of prompts one after the other, and of pairs of one target together.

What a metric judges of several source prompts and one target is computed in one go, the prompts as members of a stack.
"""

from __future__ import annotations

import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from panda_ray.backbones.backbone import Backbone
from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.sealed import Record
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import EMBEDDING_FILE
from panda_ray.execution.units.canonical import canonical_json
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.inputs import InputReader, StackInputs
from panda_ray.execution.work.memory import peak_bytes, start_counting
from panda_ray.execution.work.publishing import fail, fail_all, publish
from panda_ray.execution.work.record import InputFiles, Measured, embedding_record
from panda_ray.execution.work.similarity import embedding_bytes
from panda_ray.execution.work.usage import sampler
from panda_ray.execution.work.workspace import Workspace
from panda_ray.metrics import PairMetric, TriedPairMetric, get_metric
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.prompts.prompt import Prompt


@dataclass(frozen=True)
class _Loaded:
    """A unit with the prompt that it is about, the record of its training, and what the unit's own will name."""

    unit: Unit
    prompt: Prompt
    trained: Record
    inputs: InputFiles

    @property
    def task(self) -> str:
        """What the prompt was trained on."""
        return str(self.trained["identity"]["data"]["task"])

    @property
    def max_len(self) -> int:
        """The length that texts had with it."""
        return int(self.trained["identity"]["config"]["max_len"])


def compute_embeddings(stack: Stack, store: Store, workspace: Workspace) -> list[Outcome]:
    """Compute and publish the embeddings that are missing; one outcome each.

    Raises:
        StoreFullError: when there is no room.
    """
    inputs = StackInputs(stack.todo, store)
    outcomes: list[Outcome] = []
    together: dict[object, list[_Loaded]] = defaultdict(list)
    backbone = workspace.backbone(stack.members[0].backbone)
    for unit in stack.todo:
        try:
            loaded = _load(unit, inputs, backbone)
        except (InputError, LookupError) as error:
            outcomes.append(fail(store, unit, str(error), traceback.format_exc()))
        else:
            together[_company(loaded)].append(loaded)
    with sampler(workspace.settings.system_metrics, backbone.devices) as sampling:
        for group in together.values():
            outcomes += _embed(group, stack, store, workspace)
        if sampling is not None and together:
            outcomes[0] = replace(outcomes[0], usage=sampling.taken(last=True))
    return outcomes


def _load(unit: Unit, inputs: StackInputs, backbone: Backbone) -> _Loaded:
    (key,) = unit.dependencies["prompt"]
    reader = InputReader(unit, inputs)
    (data,) = reader.bytes_of("prompt")
    prompt = Prompt.from_bytes(data)
    prompt.check_fits(backbone.geometry)
    return _Loaded(unit, prompt, inputs.records[key], reader.read)


def _company(loaded: _Loaded) -> object:
    """What is equal of those that are computed in one go."""
    unit, prompt = loaded.unit, loaded.prompt
    if not isinstance(get_metric(unit.method), PairMetric):
        return unit.key
    shape = prompt.prefix_LKNPH.shape
    return unit.method, canonical_json(dict(unit.options)), loaded.max_len, shape, prompt.position_offset


def _embed(group: Sequence[_Loaded], stack: Stack, store: Store, workspace: Workspace) -> Iterator[Outcome]:
    units = [loaded.unit for loaded in group]
    backbone = workspace.backbone(units[0].backbone)
    start_counting(backbone.devices)
    started = time.monotonic()
    try:
        embeddings = _computed(group, backbone, workspace)
    except InputError as error:
        yield from fail_all(store, units, str(error), traceback.format_exc())
        return
    seconds = (time.monotonic() - started) / len(group)
    measured = Measured(seconds, backbone.device, peak_bytes(backbone.devices), (this_host(),))
    for loaded, embedding in zip(group, embeddings, strict=True):
        record = embedding_record(loaded.unit, loaded.inputs, stack, measured)
        yield publish(store, loaded.unit, record, {EMBEDDING_FILE: embedding_bytes(embedding)})


def _computed(group: Sequence[_Loaded], backbone: Backbone, workspace: Workspace) -> list[NDArray[np.float32]]:
    unit, max_len = group[0].unit, group[0].max_len
    metric = get_metric(unit.method)
    options = metric.Options.model_validate(dict(unit.options))
    task = workspace.task(unit.data, unit.backbone, max_len) if metric.needs_data else None
    if isinstance(metric, PairMetric):
        assert task is not None, "such a metric reads rows"
        sources = [SourcePrompt(workspace.spec(loaded.task), loaded.prompt) for loaded in group]
        return metric.pairs(backbone, sources, task, options)
    if isinstance(metric, TriedPairMetric):
        return [metric.kept(loaded.trained) for loaded in group]
    return [metric.embedding(backbone, loaded.prompt, task, options) for loaded in group]
