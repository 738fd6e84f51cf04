"""A look at every row of data sets before training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from panda_ray.errors import InputError, unknown_name
from panda_ray.sweep import Sweep
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import TASKS, TaskSpec, get_task
from panda_ray.tasks.check import SplitReport, check_task
from panda_ray.tasks.rows.loading import MissingData
from panda_ray.tasks.task import BuiltinOrigin
from panda_ray.usecases.engine import check_engine

_BUILTIN = "builtin-tiny"
_PAPER = "bert-base"
DEFAULT_MAX_LEN = 128

Verdict = Literal["in order", "absent", "with problems"]


@dataclass(frozen=True)
class Checked:
    """What was found about one task.

    Attributes:
        fingerprint: hash of its rows.
        splits: by name, of a task in order.
        problems: what is wrong, or why its rows are absent.
    """

    task: str
    verdict: Verdict
    fingerprint: str | None = None
    splits: tuple[tuple[str, SplitReport], ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A check of several tasks.

    Attributes:
        tasks: checked one by one, as they are asked for.
        spells: whether words are counted letter by letter, because there is no tokenizer for them here.
    """

    tasks: Iterator[Checked]
    spells: bool


def check_data(
    names: Sequence[str], data_root: str | None = None, backbone: str | None = None, max_len: int | None = None
) -> Check:
    """Verify rows, labels, lengths and fingerprint of tasks.

    Args:
        names: of tasks; all unless given.
        data_root: folder with the Parquet files of each task in <task>/, instead of the Hub.
        backbone: whose tokenizer counts the tokens: a name or a model folder. Unless given, the built-in one for the
            built-in suite, and for other tasks that of the paper's backbones if it is in the local cache.
        max_len: tokens above which a row counts as truncated; 128 unless given.

    Raises:
        InputError: for an unknown task or backbone.
    """
    specs = [get_task(name) for name in names] if names else list(TASKS)
    check_engine("a check, which counts tokens,", "transformers")
    builtin = _tokenizer(backbone or _BUILTIN)
    other = builtin if backbone else _cached_tokenizer() or builtin
    checked = (
        _check(
            spec, data_root, builtin if isinstance(spec.origin, BuiltinOrigin) else other, max_len or DEFAULT_MAX_LEN
        )
        for spec in specs
    )
    return Check(checked, spells=other is builtin and backbone is None)


def check_sweep_data(sweep: Sweep, names: Sequence[str]) -> Check:
    """Verify the tasks of a sweep, those of own files included, as its first backbone reads them; every row of each.

    Args:
        names: of its tasks; all unless given.

    Raises:
        InputError: for a task that the sweep does not have, or a backbone that is not there.
    """
    own = list(dict.fromkeys([*sweep.source_tasks, *sweep.targets]))
    for name in names:
        if name not in own:
            raise unknown_name("task", name, own, f"sweep {sweep.name}")
    check_engine("a check, which counts tokens,", "transformers")
    first = sweep.backbones[0]
    tokenizer = _tokenizer(first.name, first.path)
    return Check((_check_named(name, sweep, tokenizer) for name in names or own), spells=False)


def _check_named(name: str, sweep: Sweep, tokenizer: Any) -> Checked:
    try:
        spec = task_of(name, sweep.tasks)
    except InputError as error:
        return Checked(name, "with problems", problems=(str(error),))
    return _check(spec, sweep.data_root, tokenizer, sweep.training.max_len)


def _tokenizer(backbone: str, folder: str | None = None) -> Any:
    from panda_ray.backbones import load_backbone

    if folder is None and Path(backbone).is_dir():
        folder = backbone
    return load_backbone(backbone, folder, device="cpu").tokenizer


def _cached_tokenizer() -> Any | None:
    """The tokenizer of the paper's backbones, or None; a check of local data asks no server."""
    from transformers import AutoTokenizer

    from panda_ray.backbones import get_backbone_spec

    spec = get_backbone_spec(_PAPER)
    try:
        return AutoTokenizer.from_pretrained(spec.repository, revision=spec.revision, local_files_only=True)
    except OSError:
        return None


def _check(spec: TaskSpec, data_root: str | None, tokenizer: Any, max_len: int) -> Checked:
    try:
        report = check_task(spec, data_root, tokenizer, max_len)
    except MissingData as error:
        return Checked(spec.name, "absent", problems=(str(error),))
    except Exception as error:  # whatever one task does, the others are checked too
        said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        return Checked(spec.name, "with problems", problems=(said,))
    if report.train is None or report.dev is None:
        return Checked(spec.name, "with problems", problems=report.problems)
    return Checked(spec.name, "in order", report.fingerprint, (("train", report.train), ("dev", report.dev)))
