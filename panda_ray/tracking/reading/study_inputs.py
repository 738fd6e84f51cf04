"""What a study is read from, as a hash: where it is the same, so is the study, and nobody need read it again."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.tracking.identity import check_plans
from panda_ray.tracking.reading.summary_files import SummaryFiles, asked, summaries_of
from panda_ray.tracking.runs import (
    CURVES_FOLDER,
    EXAMPLES_FOLDER,
    FAILURES_FILE,
    PLAN_FILE,
    REPORT_FOLDER,
    SCORES_FILE,
    SEARCH_FILE,
    SIMILARITY_FILE,
)
from panda_ray.tracking.server.client import connect_to_read
from panda_ray.tracking.server.patience import Pulse

_READ = (PLAN_FILE, SCORES_FILE, SIMILARITY_FILE, FAILURES_FILE, SEARCH_FILE)


@dataclass(frozen=True)
class StudyInputs:
    """What MLflow has of a sweep.

    Attributes:
        digest: of every byte that `read_study` reads. Of statistics and curves the names count, which are hashes.
        fingerprints: of each task's rows.
        reported: names of the files of a report that every summary run has.
    """

    digest: str
    fingerprints: Mapping[str, str]
    reported: frozenset[str]


def study_inputs(tracking_uri: str, sweep: Sweep) -> StudyInputs:
    """What a study of this sweep would be read from, in a few requests for each backbone.

    Raises:
        InputError: as `read_study`.
    """

    def read(pulse: Pulse) -> StudyInputs:
        client = connect_to_read(tracking_uri, pulse)
        own = {section.name for section in sweep.backbones}
        runs = {backbone: run for backbone, run in summaries_of(client, sweep.name).items() if backbone in own}
        with tempfile.TemporaryDirectory() as folder:
            parts = {
                run.info.run_id: SummaryFiles(client, run.info.run_id, Path(folder), pulse) for run in runs.values()
            }
            check_plans({part.plan["backbone"]: part.plan for part in parts.values()}, sweep, public(tracking_uri))
            contents = [[run_id, *_contents(part)] for run_id, part in parts.items()]
        tasks = {name: task for part in parts.values() for name, task in part.plan["tasks"].items()}
        reports = [frozenset(Path(file.path).name for file in part.listed(REPORT_FOLDER)) for part in parts.values()]
        return StudyInputs(
            hashlib.sha256(json.dumps([tracking_uri, contents]).encode()).hexdigest(),
            {name: task["fingerprint"] for name, task in tasks.items()},
            frozenset.intersection(*reports),
        )

    return asked(read, tracking_uri, "cannot be read")


def _contents(part: SummaryFiles) -> list[str]:
    """A line for each file of a summary run."""
    read = [
        f"{name} {hashlib.sha256(part.path(name).read_bytes()).hexdigest()}" for name in _READ if name in part.names
    ]
    folders = [folder for parent in (EXAMPLES_FOLDER, CURVES_FOLDER) for folder in part.listed(parent)]
    return read + sorted(file.path for folder in folders for file in part.listed(folder.path))
