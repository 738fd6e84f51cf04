"""Table I: the tasks with their training rows and hyper-parameters, which are data and no results."""

from __future__ import annotations

from panda_ray.reports.paper import paper_rows
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Line, Table

_COLUMNS = {
    "task_type": "type",
    "train_size_printed": "training rows",
    "lr": "learning rate",
    "batch_size": "batch size",
    "epochs": "epochs",
    "metric": "measure",
}


def _layout(_numbers: Numbers, _axes: Axes) -> Table:
    return Table(
        name_columns=("group", "task"),
        columns=tuple(_COLUMNS.values()),
        lines=tuple(
            Line((row["group"], row["task"]), tuple(row[column] for column in _COLUMNS))
            for row in paper_rows("table1_datasets")
        ),
    )


ARTEFACTS = (Artefact("table1", "Table I: tasks and their hyper-parameters", None, _layout),)
