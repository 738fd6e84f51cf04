"""Training a stack's members: their starts from what they depend on, the stacked engine, one published result each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from panda_ray.backbones import Geometry
from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.signals import signal_pending, signals_deferred
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.imported import is_imported
from panda_ray.execution.units.unit import Role, Unit
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.inputs import InputReader, StackInputs
from panda_ray.execution.work.memory import peak_bytes, start_counting
from panda_ray.execution.work.publishing import fail, publish
from panda_ray.execution.work.record import InputFiles, Measured, training_files, training_record
from panda_ray.execution.work.similarity import similarity_of
from panda_ray.execution.work.usage import sampler
from panda_ray.execution.work.workspace import Workspace
from panda_ray.methods import (
    Inputs,
    Origin,
    PairSimilarities,
    PairTeachers,
    Requirement,
    SourcePrompts,
    get_method,
    requirement,
)
from panda_ray.metrics import MetricChoice
from panda_ray.prompts.prompt import Prompt, kept_tensors
from panda_ray.training.engine.collective import SOLO, Collective
from panda_ray.training.engine.epoch_report import EpochReport, OnEpoch
from panda_ray.training.engine.halting import Halt, never
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Member


@dataclass(frozen=True)
class _Start:
    """A member that is ready to train, the similarities that weigh it, and the inputs that its record will name."""

    unit: Unit
    member: Member
    similarities: tuple[float, ...]
    inputs: InputFiles


def train_members(
    stack: Stack,
    store: Store,
    workspace: Workspace,
    on_epoch: OnEpoch,
    halt: Halt = never,
    collective: Collective = SOLO,
) -> list[Outcome]:
    """Train a stack and publish the members that lack a result; one outcome for each of those.

    A member that is stopped on the way has no result: a unit's key says how long it is trained. Its history goes to
    whoever asked for it, with its outcome; what it had learned is gone with the stack, and whoever wants the unit later
    has it trained from its start.

    Args:
        on_epoch: reports name units by their keys, and so does its answer.
        halt: whether to save and stop for now. A signal to this process does it, too.
        collective: workers that do this together. Rank 0 alone reads the store, writes to it and has all outcomes.

    Raises:
        InputError: what the whole stack shares is not usable.
        HaltedError: it stopped for now; its checkpoint says where to go on.
        KeyboardInterrupt: likewise, on a signal.
        StoreFullError: when there is no room; the checkpoint, if any, stays.
        torch.OutOfMemoryError: the stack is too wide.
    """
    config = stack.members[0].config
    assert config is not None, "a training has hyper-parameters"
    started, reports = time.monotonic(), list[EpochReport]()

    def report(epoch: EpochReport) -> Collection[str] | None:
        reports.append(epoch)
        usage = () if sampling is None else sampling.taken(last=epoch.epoch == epoch.epochs)
        return on_epoch(replace(epoch, hosts=hosts, usage=usage))

    backbone = workspace.backbone(stack.members[0].backbone)
    task = workspace.task(stack.members[0].data, stack.members[0].backbone, config.max_len)
    hosts = (*dict.fromkeys(collective.gather(this_host())),)
    starts, outcomes = collective.share(lambda: _starts(stack, store, workspace, backbone.geometry))
    if not starts:
        return outcomes
    checkpoint = store.checkpoints.of(stack.keys)
    start_counting(backbone.devices)
    began = time.monotonic()
    wanted = workspace.settings.system_metrics and not collective.rank
    with sampler(wanted, backbone.devices) as sampling, signals_deferred():
        results = train_stack(
            backbone,
            task,
            [start.member for start in starts],
            config,
            checkpoint=checkpoint,
            checkpoint_seconds=workspace.settings.checkpoint_seconds,
            on_epoch=report,
            halt=lambda: signal_pending() or halt(),
            collective=collective,
        )
    if collective.rank:
        return outcomes
    ended, peak_memory_bytes = time.monotonic(), peak_bytes(backbone.devices)
    keys = [start.unit.key for start in starts]
    for start, result, share in zip(starts, results, shares(keys, reports), strict=True):
        unit, training_seconds = start.unit, (ended - began) * share
        measured = Measured(
            seconds=(began - started) / len(starts) + training_seconds,
            device=backbone.device,
            peak_memory_bytes=peak_memory_bytes,
            hosts=hosts,
            training_seconds=training_seconds,
            examples_per_second=reports[-1].examples_per_second if reports else None,
            activation_checkpointing=workspace.settings.activation_checkpointing,
            devices=len(backbone.devices),
        )
        if unit.key in stack.done:
            continue
        if result.error is not None:
            outcomes.append(fail(store, unit, result.error))
            continue
        if result.stopped:
            outcomes.append(Outcome(unit.key, "stopped", history=result.history, seconds=measured.seconds))
            continue
        record = training_record(unit, result, task, start.similarities, start.inputs, stack, measured)
        outcomes.append(publish(store, unit, record, training_files(unit, result, task)))
    checkpoint.remove()
    return outcomes


def shares(keys: Sequence[str], reports: Sequence[EpochReport]) -> list[float]:
    """Each member's part of a training, all together 1: an epoch takes as long as it has members.

    A member that left early has less of it, one that had left before a resume has nothing. Where nothing was left to
    train, all have the same.
    """
    epochs = [sum(key in report.losses for report in reports) for key in keys]
    return [count / sum(epochs) for count in epochs] if any(epochs) else [1 / len(keys)] * len(keys)


def _starts(stack: Stack, store: Store, workspace: Workspace, geometry: Geometry) -> tuple[list[_Start], list[Outcome]]:
    """The members that can start, and the outcomes of those that cannot."""
    starts, outcomes = [], []
    inputs = StackInputs(stack.members, store)
    for unit in stack.members:
        start = _start_or_error(unit, inputs, workspace, geometry)
        if isinstance(start, _Start):
            starts.append(start)
        elif unit.key not in stack.done:
            outcomes.append(fail(store, unit, str(start), "".join(traceback.format_exception(start))))
    return starts, outcomes


def _start_or_error(unit: Unit, inputs: StackInputs, workspace: Workspace, geometry: Geometry) -> _Start | Exception:
    try:
        return _start(unit, inputs, workspace, geometry)
    except (InputError, LookupError) as error:
        return error


def _start(unit: Unit, read: StackInputs, workspace: Workspace, geometry: Geometry) -> _Start:
    assert unit.config is not None, "a training has hyper-parameters"
    method = get_method(unit.method)
    options = method.Options.model_validate(dict(unit.options))
    reader = InputReader(unit, read)
    required = method.requires(options)
    weighed, others = requirement(PairSimilarities, required), _role_of_others(required)
    inputs = Inputs(
        name=unit.key,
        seed=unit.seed,
        config=unit.config,
        geometry=geometry,
        source_prompts=() if others == "source_prompt" else _prompts(reader, "source_prompt"),
        origins=() if others == "source_prompt" else _origins(unit, read),
        source_labels=tuple(workspace.spec(source).labels for source in unit.sources),
        target_labels=workspace.spec(unit.task).labels,
        teachers=() if others == "teacher" else _prompts(reader, "teacher"),
        trained=() if others is None else tuple(map(kept_tensors, reader.bytes_of(others))),
        similarities=() if weighed is None else _similarities(unit, reader, weighed.metric),
    )
    return _Start(unit, method.member(inputs, options), inputs.similarities, reader.read)


def _role_of_others(required: tuple[Requirement, ...]) -> Role | None:
    """The role of what was trained as another method than prompt tuning trains, if anything was."""
    source, teacher = requirement(SourcePrompts, required), requirement(PairTeachers, required)
    if source is not None and source != SourcePrompts():
        return "source_prompt"
    return "teacher" if teacher is not None and teacher.options else None


def _prompts(reader: InputReader, role: Role) -> tuple[Prompt, ...]:
    return tuple(map(Prompt.from_bytes, reader.bytes_of(role)))


def _origins(unit: Unit, read: StackInputs) -> tuple[Origin | None, ...]:
    """Of each source, in their order; the seed is the unit's own."""
    trained = [read.records[key]["identity"] for key in unit.dependencies.get("source_prompt", ())]
    return tuple(
        None
        if is_imported(identity.get("options", {}))
        else Origin(identity["config"]["initialization"], identity["config"]["initialization_scale"])
        for identity in trained
    )


def _similarities(unit: Unit, reader: InputReader, metric: MetricChoice) -> tuple[float, ...]:
    """Of each source, in their order."""
    sources, target = reader.bytes_of("source_embedding"), reader.bytes_of("target_embedding")
    without = (None,) * len(unit.sources)
    return tuple(
        similarity_of(metric.metric, metric.options, source, target[0] if target else None)
        for source in sources or without
    )
