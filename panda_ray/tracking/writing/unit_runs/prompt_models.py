"""Kept prompts as MLflow's logged models: a prompt is an output of its run, and those that it began with are inputs.

So MLflow's pages lead from a student to its teacher, and on to the prompts of the sources: the run of a unit lists its
model and those that went into it, and each model names its own in its description and its tags. A model holds no file:
its tag `prompt` says where its run keeps it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelInput, LoggedModelOutput
from mlflow.entities.logged_model_status import LoggedModelStatus

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.execution.units.unit import Role, Unit
from panda_ray.foreign_text import markdown_text
from panda_ray.sweep import sources_text
from panda_ray.tracking.runs import KEY, LABEL, PAGE, ROLE, SOURCES
from panda_ray.tracking.writing.experiment_page import NOTE
from panda_ray.tracking.writing.unit_runs.unit_run import LONGEST_NAME

MODEL_TYPE = "prompt"

PROMPT_PLACE = "prompt"
"""Tag of a model: where its file is."""

_INPUTS: Mapping[Role, str] = {"source_prompt": "source", "teacher": "teacher"}
"""Roles in which a prompt goes into another one, and what they are called."""

_UNNAMEABLE = re.compile(r"""[/:.%"'\0\ud800-\udfff]""")
"""Characters that MLflow does not take in the name of a model."""

_log = logging.getLogger(__name__)


class PromptModels:
    """The logged models of one experiment.

    A model is made ready last: one that is not was cut short, and is made anew.
    """

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._ready: dict[str, LoggedModel] = {}
        self._settled: dict[str, str] = {}
        for model in list(self._found()):
            key = str(model.tags.get(KEY))
            if model.status == LoggedModelStatus.READY and key not in self._ready:
                self._ready[key] = model
            else:
                client.delete_logged_model(model.model_id)

    def log(self, plan: Plan, run_of: Mapping[str, str], complete: Collection[str]) -> None:
        """Log the prompts of units that have a complete run, each once per run and set of inputs.

        Args:
            run_of: run ids by key.

        Raises:
            Exception: what keeps MLflow from taking anything.
        """
        # In the order of the plan a unit comes after those that it needs.
        for key, unit in plan.units.items():
            if unit.product != "prompt" or key not in complete or self._settled.get(key) == run_of[key]:
                continue
            self._settled[key] = run_of[key]
            known, tags = self._ready.get(key), self._tags(plan, unit, run_of[key])
            if known is not None and known.source_run_id == run_of[key] and tags.items() <= known.tags.items():
                continue
            try:
                self._ready[key] = self._make(unit, tags, run_of[key])
            except Exception:
                self._client.get_experiment(self._experiment_id)  # raises where the server is away
                _log.debug("MLflow does not take the prompt of %s", key, exc_info=True)
            if known is not None:
                self._client.delete_logged_model(known.model_id)

    def _make(self, unit: Unit, tags: dict[str, str], run_id: str) -> LoggedModel:
        label = tags[LABEL]
        made = self._client.create_logged_model(
            self._experiment_id, _name(unit, label), run_id, tags, model_type=MODEL_TYPE
        )
        if inputs := [LoggedModelInput(model.model_id) for _, model in self._inputs(unit)]:
            self._client.log_inputs(run_id, models=inputs)
        self._client.log_outputs(run_id, [LoggedModelOutput(made.model_id, 0)])
        return self._client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)

    def _tags(self, plan: Plan, unit: Unit, run_id: str) -> dict[str, str]:
        inputs = self._inputs(unit)
        tags = {
            KEY: unit.key,
            ROLE: plan.role_of[unit.key],
            LABEL: plan.label_of[unit.key],
            SOURCES: sources_text(unit.sources),
            "target": unit.task,
            "backbone": unit.backbone.name,
            "seed": str(unit.seed),
            PROMPT_PLACE: f"runs:/{run_id}/{PROMPT_FILE}",
            **{
                name: "+".join(model.model_id for called, model in inputs if called == name)
                for name in _INPUTS.values()
            },
            NOTE: "\n\n".join(
                f"{name.capitalize()}: [{markdown_text(model.name)}]({_page(model)})" for name, model in inputs
            ),
        }
        return {name: value for name, value in tags.items() if value}

    def _inputs(self, unit: Unit) -> list[tuple[str, LoggedModel]]:
        """What a prompt was made from, as far as MLflow has taken it."""
        return [
            (name, self._ready[key])
            for role, name in _INPUTS.items()
            for key in unit.dependencies.get(role, ())
            if key in self._ready
        ]

    def _found(self) -> Iterator[LoggedModel]:
        token = None
        while True:
            page = self._client.search_logged_models([self._experiment_id], max_results=PAGE, page_token=token)
            yield from (model for model in page if model.model_type == MODEL_TYPE)
            token = page.token
            if not token:
                return


def _page(model: LoggedModel) -> str:
    """Of MLflow's pages, from any of them."""
    return f"#/experiments/{model.experiment_id}/models/{model.model_id}"


def _name(unit: Unit, label: str) -> str:
    transfer = f"{sources_text(unit.sources)} to {unit.task}" if unit.sources else unit.task
    return _UNNAMEABLE.sub("_", f"{label} {transfer} seed {unit.seed}")[:LONGEST_NAME]
