"""Computing the embeddings of one task's prompts, one after the other on the same examples."""

from __future__ import annotations

import time
import traceback

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import EMBEDDING_FILE
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.inputs import InputReader, StackInputs
from panda_ray.execution.work.memory import peak_bytes, start_counting
from panda_ray.execution.work.publishing import fail, publish
from panda_ray.execution.work.record import Measured, embedding_record
from panda_ray.execution.work.similarity import embedding_bytes
from panda_ray.execution.work.workspace import Workspace
from panda_ray.metrics import get_metric
from panda_ray.prompts.prompt import Prompt


def compute_embeddings(stack: Stack, store: Store, workspace: Workspace) -> list[Outcome]:
    """Compute and publish the embeddings that are missing; one outcome each.

    Raises:
        StoreFullError: when there is no room.
    """
    inputs = StackInputs(stack.todo, store)
    return [_embedded(unit, stack, inputs, store, workspace) for unit in stack.todo]


def _embedded(unit: Unit, stack: Stack, inputs: StackInputs, store: Store, workspace: Workspace) -> Outcome:
    started = time.monotonic()
    backbone = workspace.backbone(unit.backbone)
    start_counting(backbone.device)
    metric = get_metric(unit.method)
    (prompt_key,) = unit.dependencies["prompt"]
    reader = InputReader(unit, inputs)
    try:
        (data,) = reader.bytes_of("prompt")
        prompt = Prompt.from_bytes(data)
        prompt.check_fits(backbone.geometry)
        max_len = inputs.records[prompt_key]["identity"]["config"]["max_len"]
        task = workspace.task(unit.data, unit.backbone, max_len) if metric.needs_data else None
        embedding = metric.embedding(backbone, prompt, task, metric.Options.model_validate(dict(unit.options)))
    except (InputError, LookupError) as error:
        return fail(store, unit, str(error), traceback.format_exc())
    measured = Measured(time.monotonic() - started, backbone.device, peak_bytes(backbone.device), (this_host(),))
    record = embedding_record(unit, reader.read, stack, measured)
    return publish(store, unit, record, {EMBEDDING_FILE: embedding_bytes(embedding)})
