"""`panda-ray tasks | methods | metrics | backbones`: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from panda_ray.cli.console import stdout

if TYPE_CHECKING:
    from pydantic import BaseModel


_CELL = {"none": "target", "one": "source -> target", "several": "sources -> target"}


def _table(*columns: str) -> Table:
    """A table whose columns named `...#` are right-aligned numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        numeric = column.endswith("#")
        table.add_column(
            column.removesuffix("#"), justify="right" if numeric else "left", no_wrap=column != columns[-1]
        )
    return table


def tasks() -> None:
    """List the tasks, with kind, measure and published hyper-parameters."""
    from panda_ray.tasks import TASKS

    table = _table("task", "group", "kind", "measure", "use", "rows#", "lr#", "batch#", "epochs#", "rows from")
    for task in TASKS:
        use = "+".join(word for word, used in (("source", task.is_source), ("target", task.is_target)) if used)
        tuned = task.hyperparameters
        numbers = (str(task.train_rows), f"{tuned.lr:g}", str(tuned.batch_size), str(tuned.epochs))
        origin = type(task.origin).__name__.removesuffix("Origin").lower()
        table.add_row(task.name, task.group, task.kind.name, task.measure, use, *numbers, origin)
    stdout.print(table)


def methods() -> None:
    """List the transfer methods, with their options and defaults."""
    from panda_ray.methods import METHODS

    table = _table("method", "cell", "what it does", "options (default)")
    for method in METHODS:
        if method.listed:
            table.add_row(method.name, _CELL[method.sources], method.summary, _options(method.Options))
    stdout.print(table)


def metrics() -> None:
    """List the transferability metrics, with their options and defaults."""
    from panda_ray.metrics import METRICS

    table = _table("metric", "what it compares", "options (default)")
    for metric in METRICS:
        table.add_row(metric.name, metric.summary, _options(metric.Options))
    stdout.print(table)


def backbones() -> None:
    """List the backbones that have a name; any other folder of a known architecture works by its path."""
    from panda_ray.backbones import BACKBONES

    table = _table("backbone", "parameters#", "weights")
    for spec in BACKBONES:
        weights = "packaged" if spec.packaged else f"{spec.repository}@{(spec.revision or 'main')[:12]}"
        table.add_row(spec.name, f"{spec.parameters_million:g} M", weights)
    stdout.print(table)


def _options(options: type[BaseModel]) -> str:
    """Options as `name=default`, with the choices where there are few."""
    return ", ".join(f"{name}={field.default}" for name, field in options.model_fields.items())
