"""How the runs of a sweep are marked in MLflow (tags, artifact paths) and found. The reader relies on nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities import Run

SUMMARY = "summary"
"""Value of the tag `product` of the one run per backbone; other runs carry their unit's product."""

KEY = "key"
ROLE = "role"
LABEL = "method"
"""The sweep's label of a unit's method or metric."""

SOURCES = "sources"
"""Donor tasks of a unit, `mnli` or `mnli+qnli`. Plain `source` is taken: MLflow has a column of that name."""

STUDY = "study"
"""Of what a search has tried: `bert-base panda mnli -> cb`, as everywhere else."""

PRODUCT = "product"
COMPLETE = "complete"
"""Written last: a unit's run without it was cut short and is logged again in place."""

STOPPED = "stopped_after_epoch"
"""Only runs of trainings that somebody ended early have it; their status is KILLED, and they have no score."""

STACK = "stack"
"""Of units and of runs with system metrics: the stack's id. Value of the tag `product` of the latter, too."""

STATE = "state"
"""Of the sweep, on the summary run: running, finished, failed or interrupted."""

SWEEP = "panda_ray.sweep"
STORAGE = "panda_ray.storage"
"""Of the experiment: the sweep's name, whatever the experiment is called by now, and whose results it shows."""

PLAN_FILE = "plan.json"
SCORES_FILE = "scores.parquet"
"""One row per finished cell: everything that a report says of many units is in few files of the summary run."""
SIMILARITY_FILE = "similarity.parquet"
FAILURES_FILE = "failures.json"
PROGRESS_FILE = "progress.json"
"""Where the sweep stands, replaced every half a minute while a driver lives; see `snapshot.py`."""
SEARCH_FILE = "search.json"
"""Only of searches: what each study of the backbone has tried; see `searched.py`."""
EXAMPLES_FOLDER = "examples"
CURVES_FOLDER = "curves"
"""A file of the same name beside each of the examples; see `curves.py`."""
REPORT_FOLDER = "report"
REPORT_PAGE = "report.html"
"""Name of a report's page, also in that folder."""

PAGE = 1000


def search(client: MlflowClient, experiment_id: str, filter_string: str) -> Iterator[Run]:
    """All runs of an experiment that match, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment_id], filter_string, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def summary_runs(client: MlflowClient, experiment_id: str) -> dict[str, Run]:
    """The summary run of each backbone; the oldest, should two drivers have raced."""
    runs = sorted(search(client, experiment_id, f"tags.{PRODUCT} = '{SUMMARY}'"), key=lambda run: -run.info.start_time)
    return {run.data.tags["backbone"]: run for run in runs if "backbone" in run.data.tags}
