"""What MLflow's page of an experiment shows of a sweep: its kind, its primary metric, a note, and views that are saved.

MLflow's pages keep how a table looks in the browser, except for views that were shared: those are tags of the
experiment, JSON of the page's state under a name that a link may carry. The note has such links, one for each question
"which source is the best for this target with this method", and the answer is what the link says.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from statistics import fmean
from typing import Any, NamedTuple

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from panda_ray.execution.planning.plan import Plan
from panda_ray.foreign_text import markdown_text
from panda_ray.sweep import sources_text
from panda_ray.tracking.experiment import report_page, runs_page
from panda_ray.tracking.runs import LABEL, ROLE, SOURCES

NOTE = "mlflow.note.content"
VIEW = "mlflow.sharedViewState."

FIXED_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.experiment.primaryMetric.name": "score",
    "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
}
"""Kind: of MLflow's pages that ask for it; those of 3.17 go by an address, see `experiment.runs_page`."""

_LONGEST_NOTE = 20_000
"""Characters of an experiment's tag that MLflow takes."""

_CHART = {"uuid": "score", "type": "BAR", "metricSectionId": "sweep", "metricKey": "score", "runsCountToCompare": 50}
_SECTION = {"uuid": "sweep", "name": "Score", "display": True, "isReordered": True}


_log = logging.getLogger(__name__)


class Question(NamedTuple):
    """Which source is the best?"""

    backbone: str
    method: str
    target: str

    @property
    def view(self) -> str:
        """Name of the view that answers it."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:8]

    @property
    def filter(self) -> str | None:
        """MLflow's filter for the runs that it is about; None for a name that no filter can hold."""
        parts = {ROLE: "cell", "backbone": self.backbone, LABEL: self.method, "target": self.target}
        if any("'" in value and '"' in value for value in parts.values()):
            return None
        return " AND ".join(f"tags.{name} = {_quoted(value)}" for name, value in parts.items())


def page_tags(
    plan: Plan, experiment_id: str, summaries: Mapping[str, str], done: int, scores: Mapping[str, float], state: str
) -> dict[str, str]:
    """All tags of the experiment that bear on its page.

    Args:
        summaries: run id of the summary of each backbone.
        done: units that MLflow has.
        scores: of finished cells, by key.
        state: of the sweep.
    """
    note = _head(plan, experiment_id, summaries, done, state)
    answers = {question: best for question, best in _answers(plan, scores).items() if question.filter is not None}
    links = {question: _link(question, best, experiment_id) for question, best in answers.items()}
    shown = len(links)
    while shown and len(note + _table(links, shown)) > _LONGEST_NOTE:
        shown = shown * 9 // 10
    views = {VIEW + question.view: json.dumps(_view(str(question.filter))) for question in [*links][:shown]}
    return {**FIXED_TAGS, **views, NOTE: (note + _table(links, shown))[:_LONGEST_NOTE]}


def write_tags(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> None:
    """Write those that have changed; a server that takes less than ours of today still takes the runs.

    Raises:
        Exception: the server does not answer.
    """
    known = client.get_experiment(experiment_id).tags
    for name, value in tags.items():
        if known.get(name) == value:
            continue
        try:
            client.set_experiment_tag(experiment_id, name, value)
        except MlflowException:
            client.get_experiment(experiment_id)  # raises where the server is away
            _log.debug("MLflow does not take %s", name, exc_info=True)


def _answers(plan: Plan, scores: Mapping[str, float]) -> dict[Question, str]:
    """Questions in the order of the sweep, and the best source so far with its mean over the seeds."""
    found: dict[Question, dict[str, list[float]]] = {}
    for cell in plan.cells:
        if cell.sources:
            scores_of = found.setdefault(Question(cell.backbone, cell.method, cell.target), {})
            if cell.key in scores:
                scores_of.setdefault(sources_text(cell.sources), []).append(scores[cell.key])
    return {
        question: _best({name: fmean(of) for name, of in scores_of.items()}) for question, scores_of in found.items()
    }


def _best(means: Mapping[str, float]) -> str:
    if not means:
        return "none yet"
    source = max(means, key=means.__getitem__)
    return f"{source} {means[source]:.1f}"


def _head(plan: Plan, experiment_id: str, summaries: Mapping[str, str], done: int, state: str) -> str:
    sweep = plan.sweep
    reports = ", ".join(
        f"[{markdown_text(backbone)}]({report_page(experiment_id, run_id)})" for backbone, run_id in summaries.items()
    )
    methods = ", ".join(markdown_text(section.title) for section in sweep.methods)
    return (
        f"**{state}**: {done} of {len(plan.units)} units. Best source of each target: open this note. "
        f"Report, once made: {reports}.\n\n"
        f"Transfer from {len(sweep.sources)} sources to {len(sweep.targets)} targets with {methods}; "
        f"seeds: {len(sweep.seeds)}; protocol: {sweep.protocol}.\n"
    )


def _table(links: Mapping[Question, str], shown: int) -> str:
    """The first links: one table per backbone, a row per target, a column per method."""
    lines = []
    questions = [*links][:shown]
    for backbone in dict.fromkeys(question.backbone for question in questions):
        mine = {(q.target, q.method): links[q] for q in questions if q.backbone == backbone}
        methods = list(dict.fromkeys(method for _, method in mine))
        lines += ["", f"Best sources on {markdown_text(backbone)}, with the mean over the seeds so far:", ""]
        lines.append(f"| target | {' | '.join(map(markdown_text, methods))} |")
        lines.append(f"| --- |{' --- |' * len(methods)}")
        for target in dict.fromkeys(target for target, _ in mine):
            row = (mine.get((target, method), "") for method in methods)
            lines.append(f"| {markdown_text(target)} | {' | '.join(row)} |")
    if left_out := len(links) - shown:
        lines += ["", f"{left_out} more do not fit into this note: change the filter of a view, or see the report."]
    return "\n".join(lines)


def _link(question: Question, best: str, experiment_id: str) -> str:
    return f"[{markdown_text(best)}]({runs_page(experiment_id)}&viewStateShareKey={question.view})"


def _view(filter_string: str) -> dict[str, Any]:
    """The page's state: the best mean over the seeds first, and the same as a chart."""
    return {
        "searchFilter": filter_string,
        "orderByKey": "metrics.`score`",
        "orderByAsc": False,
        "selectedColumns": [
            *("tags.`seed`", "tags.`measure`", "metrics.`score`", "metrics.`score_last`", "metrics.`similarity`")
        ],
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": SOURCES}]},
        "isAccordionReordered": True,
        "compareRunSections": [_SECTION],
        "compareRunCharts": [_CHART],
    }


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"
