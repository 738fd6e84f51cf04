"""One connection of a driver to MLflow: what is there already, and what of a plan is still to be logged.

It is thrown away at the first error that is not about one unit alone; whoever opens the next one starts from what
MLflow really holds: nothing is logged twice, nothing that was cut short stays so, and what people removed comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.results.unit_files import content
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.tracking.experiment import open_experiment
from panda_ray.tracking.reading import examples
from panda_ray.tracking.reading.study import Failure
from panda_ray.tracking.runs import summary_runs
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.patience import Pulse
from panda_ray.tracking.server.trouble import reason
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.tracking.writing.experiment_page import page_tags, write_tags
from panda_ray.tracking.writing.provenance import provenance
from panda_ray.tracking.writing.similarity_table import Similarities
from panda_ray.tracking.writing.stack_runs import StackRuns
from panda_ray.tracking.writing.summary_run import SummaryRun
from panda_ray.tracking.writing.unit_runs.prompt_models import PromptModels
from panda_ray.tracking.writing.unit_runs.unit_log import UnitLog
from panda_ray.tracking.writing.unit_runs.unit_run import known_milliseconds
from panda_ray.training.engine.epoch_report import Usage

_UNITS_AT_ONCE = 256
"""Whose predictions are in memory together; they share a file of the summary run."""


class Session:
    """Logs a plan's units and summaries through one client.

    Opening it makes experiment and summary runs, which shows whether MLflow takes anything; `take_stock` comes next.

    Args:
        pulse: beats at each answer of MLflow.
    """

    def __init__(self, plan: Plan, store: Store, similarities: Similarities, tracking_uri: str, pulse: Pulse) -> None:
        self._plan = plan
        self._store = store
        self._similarities = similarities
        self._tracking_uri = tracking_uri
        self._pulse = pulse
        self._client = connect(tracking_uri, pulse)
        self._experiment_id = open_experiment(self._client, plan.sweep.name, store)
        self._units = UnitLog(self._client, self._experiment_id, store, tracking_uri)
        self._compared = -1
        self._progress: dict[str, tuple[int, int, str]] = {}
        self._provenance = provenance(plan.sweep)
        self._summaries = self._open_summaries()
        self._models = PromptModels(self._client, self._experiment_id) if plan.sweep.tracking.models else None
        self._stacks: StackRuns | None = None

    @property
    def refused(self) -> Mapping[str, str]:
        """Keys of units that MLflow does not take, or whose results were damaged after they had counted as done, and
        why."""
        return self._units.refused

    @property
    def logged(self) -> frozenset[str]:
        """Keys of units that MLflow has wholly: their runs and, of cells, what a report is made from."""
        rows = set().union(*(summary.rows for summary in self._summaries.values()))
        return frozenset(key for key in self._units.complete if key in rows or self._plan.role_of.get(key) != "cell")

    def grow(self, plan: Plan) -> None:
        """Log this plan from now on, which has all that the earlier one had; its cells with the next progress."""
        self._plan = plan

    def take_stock(self) -> None:
        """Find what is logged and what must be logged again; remove what a race of two drivers made twice.

        A driver that computed a unit anew may have been killed before it logged it: its run and its row are of the
        earlier result then.
        """
        ended = {key: known_milliseconds(time) for key, time in self._store.finished_at.items()}
        for summary in self._summaries.values():
            summary.take_stock(ended)
        self._units.take_stock(self._plan, ended)

    def log(self, keys: Collection[str], afresh: Collection[str] = ()) -> Iterator[None]:
        """Log units that are done, with what their backbone's summary needs of them first; stops after each part.

        Args:
            afresh: units whose results are new, so that an earlier run says something else.

        Raises:
            Exception: what keeps MLflow from taking anything. What it says of one unit alone is in `refused`.
        """
        for (backbone, task), records in _grouped(self._records(keys)):
            summary = self._summaries[backbone]
            for first in range(0, len(records), _UNITS_AT_ONCE):
                part = records[first : first + _UNITS_AT_ONCE]
                rows = [r for r in part if r["key"] in afresh or r["key"] not in summary.rows]
                predictions = self._log_cells(summary, task, rows)
                runs = [r for r in part if r["key"] in afresh or r["key"] not in self._units.complete]
                self._units.log(self._plan, runs, summary.run_id, predictions)
                yield

    def log_models(self) -> None:
        """Log the prompts of units whose runs are complete as models, where the sweep asks for it."""
        if self._models is not None:
            self._models.log(self._plan, self._units.run_of, self._units.complete)

    def log_stopped(self, record: Record) -> None:
        """Log a unit that was stopped early (`stopped_record`), in place of an earlier run of it."""
        self._units.log(self._plan, [record], self._summaries[record["backbone"]].run_id, {})

    def log_usage(self, stack: Stack, samples: Sequence[Usage]) -> None:
        """Log what the machine of a stack did."""
        if self._stacks is None:
            self._stacks = StackRuns(self._client, self._experiment_id)
        self._stacks.log(stack, samples, self._summaries[stack.members[0].backbone.name].run_id)

    def write_progress(self, done: Collection[str], state: str) -> None:
        """Progress of every backbone, its table of scores, and the similarities that are known.

        Args:
            done: keys that have a result.
        """
        if len(self._plan.cells) > self._cells_written:
            self._write_plan(self._summaries)
        similarity = self._similarities.frame(done)
        logged = self.logged
        for backbone, summary in self._summaries.items():
            total = [key for key, unit in self._plan.units.items() if unit.backbone.name == backbone]
            progress = len(logged.intersection(total)), len(total), state
            if self._progress.get(backbone) != progress:
                summary.write_progress(*progress)
                self._progress[backbone] = progress
            if len(similarity) != self._compared:
                summary.write_similarity(similarity[similarity["backbone"] == backbone])
        self._compared = len(similarity)

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Where each backbone stands."""
        for backbone, summary in self._summaries.items():
            summary.write_snapshot(snapshot, backbone)

    def write_search(self, searched: Searched) -> None:
        """What each backbone's studies have tried."""
        for backbone, summary in self._summaries.items():
            summary.write_search(searched, backbone)

    def write_scores(self) -> None:
        """The tables of scores that have changed."""
        for summary in self._summaries.values():
            summary.write_scores(self._plan.cells)

    def write_page(self, state: str) -> None:
        """What the experiment's page shows, where it has changed."""
        run_of = {backbone: summary.run_id for backbone, summary in self._summaries.items()}
        done = len(self.logged & self._plan.units.keys())
        scores = {key: row["score"] for summary in self._summaries.values() for key, row in summary.rows.items()}
        tags = page_tags(self._plan, self._experiment_id, run_of, done, scores, state)
        write_tags(self._client, self._experiment_id, tags)

    def write_failures(self, failures: Iterable[Failure]) -> None:
        """Failures of every backbone."""
        listed = list(failures)
        for backbone, summary in self._summaries.items():
            summary.write_failures([failure for failure in listed if failure.backbone == backbone])

    def _open_summaries(self) -> Mapping[str, SummaryRun]:
        sweep = self._plan.sweep
        found = summary_runs(self._client, self._experiment_id)
        summaries = {}
        for section in sweep.backbones:
            run = found.get(section.name)
            if run is None:
                summary = SummaryRun.create(self._client, self._experiment_id, sweep.name, section.name)
            else:
                self._client.set_terminated(run.info.run_id, "FINISHED")
                summary = SummaryRun(self._client, run.info.run_id)
            summaries[section.name] = summary
        self._write_plan(summaries)
        return summaries

    def _write_plan(self, summaries: Mapping[str, SummaryRun]) -> None:
        for backbone, summary in summaries.items():
            summary.write_plan(self._plan, backbone, self._provenance)
        self._cells_written = len(self._plan.cells)

    def _records(self, keys: Collection[str]) -> list[Record]:
        found = self._store.records_of(keys)
        for key in keys:
            if key not in found:
                self._units.refused[key] = "its record in the store is damaged; the next run computes it anew"
        return [*found.values()]

    def _log_cells(self, summary: SummaryRun, task: str, records: Sequence[Record]) -> dict[str, bytes]:
        """Returns the predictions of the cells, by key: their runs have them, too."""
        cells = {record["key"]: record for record in records if self._plan.role_of[record["key"]] == "cell"}
        predictions = {}
        self._pulse.beat()
        for (key, _), data in self._store.read_files([(key, PREDICTIONS_FILE) for key in cells], cells).items():
            self._pulse.beat()
            try:
                examples.pack({key: content(data)})
            except Exception as error:
                self._units.refused[key] = reason(error, self._tracking_uri)
            else:
                predictions[key] = content(data)
        if predictions:
            summary.add_cells(task, [cells[key] for key in predictions], predictions)
        return predictions


def _grouped(records: Iterable[Record]) -> Iterator[tuple[tuple[str, str], list[Record]]]:
    """By backbone and task."""

    def address(record: Record) -> tuple[str, str]:
        return record["backbone"], record["target"] if record["product"] == "prompt" else record["task"]

    for name, group in groupby(sorted(records, key=address), key=address):
        yield name, list(group)
