"""Names and options of a tuned file against what exists, and against the methods of the sweep that uses it."""

from __future__ import annotations

from collections.abc import Iterator

from panda_ray.backbones import BACKBONES
from panda_ray.errors import unknown_name
from panda_ray.methods import METHODS, PairSimilarities, requirement
from panda_ray.methods.method import Method, Sources
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import Chosen
from panda_ray.sweep.named_tasks import own_names
from panda_ray.sweep_file.checking.names import CELL_METHODS, TAKES, choice_problems, label_problem, option_problems
from panda_ray.sweep_file.tuned_file import KEY
from panda_ray.sweep_file.yaml_source import Path, Places
from panda_ray.tasks import TASKS


def tuned_problems(sweep: Sweep, places: Places) -> list[str]:
    """One sentence per name or option that does not exist."""
    if sweep.hyperparameters is None:
        return []
    tasks = {task.name for task in TASKS} | set(own_names(sweep.tasks))
    backbones = {spec.name for spec in BACKBONES} | {section.name for section in sweep.backbones}
    problems: list[str] = []
    for index, chosen in enumerate(sweep.hyperparameters.chosen):
        path: Path = (KEY, "chosen", index)
        donors = {(*path, "sources", place): name for place, name in enumerate(chosen.sources or ())}
        for at, name in {(*path, "task"): chosen.task, **donors}.items():
            if name not in tasks:
                problems.append(str(unknown_name("task", name, tasks, places.find(at))))
        if chosen.backbone not in backbones:
            place = places.find((*path, "backbone"))
            problems.append(str(unknown_name("backbone", chosen.backbone, backbones, place)))
        problems += _method_problems(chosen, sweep, places, path)
    return problems


def _method_problems(chosen: Chosen, sweep: Sweep, places: Places, path: Path) -> Iterator[str]:
    yield from label_problem("method", chosen.method, chosen.label, METHODS, places.find((*path, "label")))
    method = CELL_METHODS.get(chosen.method)
    if method is None:
        yield str(unknown_name("method", chosen.method, CELL_METHODS, places.find((*path, "method"))))
    else:
        yield from _source_problems(chosen, method, places, path)
        yield from _option_problems(chosen, method, sweep, places, path)


def _source_problems(chosen: Chosen, method: Method, places: Places, path: Path) -> Iterator[str]:
    if chosen.sources is None:
        return
    takes: Sources = "one" if len(chosen.sources) == 1 else "several"
    if takes != method.sources:
        at = (*path, "sources")
        yield f"{places.find(at)}: {places.dotted(at)}: {method.name} takes {TAKES[method.sources]}"


def _option_problems(chosen: Chosen, method: Method, sweep: Sweep, places: Places, path: Path) -> Iterator[str]:
    """What is wrong with the options by themselves, or else with what the sweep file makes of them."""
    at = (*path, "options")
    if problems := option_problems(method.Options, chosen.options, places, at):
        yield from problems
        return
    for index, section in enumerate(sweep.methods):
        if (section.method, section.title) != (chosen.method, chosen.title):
            continue
        options = {**chosen.options, **section.options}
        for problem in option_problems(method.Options, options, places, at):
            yield f"{problem}, with what the sweep file has under methods.{index}.options"
    weighed = requirement(PairSimilarities, method.requires(method.Options.model_validate(chosen.options)))
    if weighed is not None:
        yield from choice_problems(weighed.metric, sweep, places, (*at, "metric"))
