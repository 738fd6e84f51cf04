"""One connection of a driver to MLflow: what is there already, and what of a plan is still to be logged.

It is opened with one paged search and thrown away at the first error; whoever opens the next one starts from what
MLflow really holds, so nothing is logged twice and nothing that was cut short stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby

from mlflow.entities import Run

from panda_ray.execution.plan import Plan
from panda_ray.execution.record import PREDICTIONS_FILE
from panda_ray.execution.store import Record, Store
from panda_ray.tracking.client import connect, experiment_of
from panda_ray.tracking.provenance import provenance
from panda_ray.tracking.schema import COMPLETE, KEY, LABEL, ROLE, search, summary_runs
from panda_ray.tracking.similarity import Similarities
from panda_ray.tracking.study import Failure
from panda_ray.tracking.summary_run import SummaryRun
from panda_ray.tracking.unit_run import UnitLabels, ended_at, log_unit


class Session:
    """Logs a plan's units and summaries through one client.

    Attributes:
        logged: keys of units whose runs are complete.
        unreadable: keys whose results were damaged after they had counted as done; they are computed anew next time.
    """

    def __init__(self, plan: Plan, store: Store, similarities: Similarities, tracking_uri: str) -> None:
        self._plan = plan
        self._store = store
        self._similarities = similarities
        self._client = connect(tracking_uri)
        self._experiment_id = experiment_of(self._client, plan.sweep.name)
        self._to_rewrite: dict[str, str] = {}
        self._to_replace: dict[str, str] = {}
        """Runs of results that are computed anew: MLflow keeps parameters for ever, so these get a new run."""
        self._compared = -1
        self.logged: set[str] = set()
        self.unreadable: set[str] = set()
        self._take_stock()
        self._summaries = self._open_summaries()

    def log(self, keys: Collection[str]) -> None:
        """Log units that are done, with what their backbone's summary needs of them first."""
        records = [self._store.record(key) for key in keys]
        for (backbone, task), group in _grouped(record for record in records if record is not None):
            loaded = [(record, files) for record in group if (files := self._files(record)) is not None]
            cells = {record["key"]: files[PREDICTIONS_FILE] for record, files in loaded if self._is_cell(record)}
            if cells:
                self._summaries[backbone].write_examples(task, cells)
            for record, files in loaded:
                self._log_unit(record, files, self._summaries[backbone].run_id)

    def write_progress(self, done: Collection[str], state: str) -> None:
        """Progress of every backbone, and the similarities that are known.

        Args:
            done: keys that have a result.
        """
        similarity = self._similarities.frame(set(done) - self.unreadable)
        for backbone, summary in self._summaries.items():
            total = [key for key, unit in self._plan.units.items() if unit.backbone.name == backbone]
            summary.write_progress(len(self.logged.intersection(total)), len(total), state)
            if len(similarity) != self._compared:
                summary.write_similarity(similarity[similarity["backbone"] == backbone])
        self._compared = len(similarity)

    def write_failures(self, failures: Iterable[Failure]) -> None:
        """Failures of every backbone."""
        listed = list(failures)
        for backbone, summary in self._summaries.items():
            summary.write_failures([failure for failure in listed if failure.backbone == backbone])

    def _take_stock(self) -> None:
        """Find what is logged and what must be logged again; remove what a race of two drivers made twice."""
        runs = [run for run in search(self._client, self._experiment_id, "") if run.data.tags.get(KEY)]
        for key, twins in groupby(sorted(runs, key=_completeness), key=lambda run: str(run.data.tags[KEY])):
            first, *others = twins
            if self._is_replaced(key, first):
                self._to_replace[key] = first.info.run_id
            elif self._is_current(key, first):
                self.logged.add(key)
            else:
                self._to_rewrite[key] = first.info.run_id
            for run in others:
                self._client.set_terminated(run.info.run_id, "KILLED")
                self._client.delete_run(run.info.run_id)

    def _is_replaced(self, key: str, run: Run) -> bool:
        """Of a result that is gone, or is or was computed anew; what was done when planned is what was logged."""
        if key not in self._plan.units or key in self._plan.done:
            return False
        return not self._store.is_done(key) or ended_at(self._store.known(key)) != run.info.end_time

    def _is_current(self, key: str, run: Run) -> bool:
        """Complete, and the unit is still to the sweep what it was; a source may have become a cell."""
        tags = run.data.tags
        if COMPLETE not in tags or key not in self._plan.units:
            return COMPLETE in tags
        return tags[ROLE] == self._plan.role_of[key] and tags[LABEL] == self._plan.label_of[key]

    def _open_summaries(self) -> Mapping[str, SummaryRun]:
        sweep = self._plan.sweep
        found = summary_runs(self._client, self._experiment_id)
        origin = provenance(sweep)
        summaries = {}
        for section in sweep.backbones:
            run = found.get(section.name)
            if run is None:
                summary = SummaryRun.create(self._client, self._experiment_id, sweep.name, section.name)
            else:
                self._client.set_terminated(run.info.run_id, "FINISHED")
                summary = SummaryRun(self._client, run.info.run_id)
            summary.write_plan(self._plan, section.name, origin)
            summaries[section.name] = summary
        return summaries

    def _files(self, record: Record) -> dict[str, bytes] | None:
        key = record["key"]
        try:
            return {name: self._store.read_file(key, name) for name in record["files"]}
        except LookupError:
            self.unreadable.add(key)
            return None

    def _is_cell(self, record: Record) -> bool:
        return self._plan.role_of[record["key"]] == "cell"

    def _log_unit(self, record: Record, files: Mapping[str, bytes], parent_id: str) -> None:
        key = record["key"]
        if (old := self._to_replace.pop(key, None)) is not None:
            self._client.delete_run(old)
        log_unit(
            self._client,
            record,
            UnitLabels(self._plan.role_of[key], self._plan.label_of[key]),
            files,
            experiment_id=self._experiment_id,
            parent_id=parent_id,
            run_id=self._to_rewrite.pop(key, None),
        )
        self.logged.add(key)


def _completeness(run: Run) -> tuple[str, bool, int, str]:
    """Runs of one key side by side, a complete one first, then the oldest."""
    tags = run.data.tags
    return str(tags[KEY]), COMPLETE not in tags, run.info.start_time, run.info.run_id


def _grouped(records: Iterable[Record]) -> list[tuple[tuple[str, str], list[Record]]]:
    """By backbone and task."""

    def address(record: Record) -> tuple[str, str]:
        return record["backbone"], record["target"] if record["kind"] == "train" else record["task"]

    return [(name, list(group)) for name, group in groupby(sorted(records, key=address), key=address)]
