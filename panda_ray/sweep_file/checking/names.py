"""Names in a sweep against what exists: tasks, methods, metrics, backbones, folders, and the options of plug-ins.

Importing this imports torch: `load_sweep` does so once everything else about a file is in order.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product, starmap
from typing import Any

from pydantic import BaseModel, ValidationError

from panda_ray.backbones import BACKBONES
from panda_ray.errors import unknown_name
from panda_ray.methods import METHODS, PairSimilarities, requirement
from panda_ray.methods.method import Method, Sources
from panda_ray.metrics import METRICS, MetricChoice
from panda_ray.registry import Named
from panda_ray.sweep import BackboneSection, Sweep
from panda_ray.sweep.named_tasks import own_names
from panda_ray.sweep.source_choice import MetricReference, SourceChoice
from panda_ray.sweep_file.checking.messages import explain
from panda_ray.sweep_file.checking.search_names import search_problems
from panda_ray.sweep_file.yaml_source import Path, Places
from panda_ray.tasks import TASKS
from panda_ray.tasks.caching.fetched import is_url
from panda_ray.tasks.rows.own.hub_files import is_on_hub, unnamed

_PLAIN_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")
CELL_METHODS = {method.name: method for method in METHODS if method.listed}
TAKES: Mapping[Sources, str] = {"none": "no sources", "one": "one source", "several": "several sources"}
METRICS_BY_NAME = {metric.name: metric for metric in METRICS}


def name_problems(sweep: Sweep, places: Places) -> list[str]:
    """One sentence per name or option that does not exist."""
    of_tasks = list(_task_problems(sweep, places))
    return [
        *of_tasks,
        *_backbone_problems(sweep.backbones, places),
        *_method_problems(sweep, places),
        *(() if of_tasks else _source_problems(sweep, places)),
        *(() if of_tasks else _pair_problems(sweep, places)),
        *_metric_problems(sweep, places),
        *search_problems(sweep, places),
    ]


def folder_problems(sweep: Sweep, places: Places) -> list[str]:
    """One sentence per folder or file that is not on this machine."""
    own = _own_data_problems(sweep, places)
    return [*_data_root_problems(sweep, places), *own, *_model_problems(sweep.backbones, places)]


def _task_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    own = own_names(sweep.tasks)
    registered = {task.name for task in TASKS}
    for name in own:
        place = places.find(("tasks", name))
        if name in registered:
            yield f"{place}: tasks.{name}: is a task of the package; give the one of your data another name"
        elif not _PLAIN_NAME.fullmatch(name):
            yield f"{place}: tasks: the name {name!r} must be made of letters, digits, '.', '_' and '-'"
    known = [*registered, *own]
    paths: list[Path] = [("tasks", name) for name in sweep.tasks]
    named = {path: str(path[1]) for path in paths}
    for key, entries in (("sources", sweep.sources), ("targets", sweep.targets)):
        for index, entry in enumerate(entries):
            if isinstance(entry, str):
                named[key, index] = entry
            else:
                named |= {(key, index, inner): name for inner, name in enumerate(entry)}
    for path, name in named.items():
        if name not in known:
            yield str(unknown_name("task", name, known, places.find(path)))
    backbones = [section.name for section in sweep.backbones]
    for name, section in sweep.tasks.items():
        for backbone in set(section.imported or ()) - set(backbones):
            path = ("tasks", name, "imported", backbone)
            yield str(unknown_name("backbone of this sweep", backbone, backbones, places.find(path)))


def _backbone_problems(sections: list[BackboneSection], places: Places) -> Iterator[str]:
    known = [spec.name for spec in BACKBONES]
    for index, section in enumerate(sections):
        path: Path = ("backbones", index, "path")
        if section.path is None and section.name not in known:
            yield f"{unknown_name('backbone', section.name, known, places.find(path))}; any other name needs a `path`"


def _method_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    for index, section in enumerate(sweep.methods):
        path: Path = ("methods", index)
        yield from label_problem("method", section.method, section.label, METHODS, places.find((*path, "label")))
        method = CELL_METHODS.get(section.method)
        if method is None:
            yield str(unknown_name("method", section.method, CELL_METHODS, places.find((*path, "method"))))
            continue
        if section.sources is not None:
            yield from _choice_of_sources_problems(section.sources, method, sweep, places, (*path, "sources"))
        if problems := option_problems(method.Options, section.options, places, (*path, "options")):
            yield from problems
            continue
        weighed = requirement(PairSimilarities, method.requires(method.Options.model_validate(section.options)))
        if weighed is not None:
            yield from choice_problems(weighed.metric, sweep, places, (*path, "options", "metric"))


def _choice_of_sources_problems(
    choice: SourceChoice, method: Method, sweep: Sweep, places: Places, path: Path
) -> Iterator[str]:
    """What is wrong with the sources that a metric is to choose for a method."""
    place, dotted, count = places.find(path), places.dotted(path), len(sweep.single_sources)
    if method.sources == "none":
        yield f"{place}: {dotted}: {method.name} takes {TAKES[method.sources]}, so there is nothing to choose"
    elif sweep.search is not None:
        yield f"{place}: {dotted}: a search has a study for every source; choose sources in a sweep without `search`"
    elif choice.top > count:
        yield f"{place}: {dotted}.top: must be at most {count}, the number of single sources, not {choice.top}"
    yield from choice_problems(choice.by, sweep, places, (*path, "by"))


def _source_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    """Methods that find nothing to take among the sources, and lists of sources that no method takes."""
    listed = [CELL_METHODS[name] for section in sweep.methods if (name := section.method) in CELL_METHODS]
    mixing = [
        method
        for section in sweep.methods
        if (method := CELL_METHODS.get(section.method)) and method.sources == "several" and section.sources is None
    ]
    place = places.find(("sources",))
    idle = [
        *(method for method in listed if method.sources == "one" and not sweep.single_sources),
        *(method for method in mixing if not sweep.source_lists),
    ]
    for method in dict.fromkeys(idle):
        takes = "one source, and every item is a list of several"
        if method.sources == "several":
            takes = "several sources, and no item is a list of them: [mnli, qnli]"
        yield f"{place}: sources: {method.name} takes {takes}"
    if idle or mixing:
        return
    able = ", ".join(name for name, method in CELL_METHODS.items() if method.sources == "several")
    for index, entry in enumerate(sweep.sources):
        if not isinstance(entry, str):
            place = places.find(("sources", index))
            yield f"{place}: sources.{index}: no listed method takes several sources; those that do: {able}"


def _pair_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    """Methods that have a cell for none of the pairs; what a task of the user's own is, its rows say later."""
    if not sweep.single_sources or own_names(sweep.tasks):
        return
    pairs = [
        (TASKS.get(source), TASKS.get(target))
        for source, target in product(sweep.single_sources, sweep.targets)
        if sweep.self_pairs == "run" or source != target
    ]
    for index, section in enumerate(sweep.methods):
        method = CELL_METHODS.get(section.method)
        if pairs and method is not None and method.sources == "one" and not any(starmap(method.takes, pairs)):
            place = places.find(("methods", index))
            where = f"{place}: methods.{index}"
            yield f"{where}: {method.name} has no cell for these sources and targets ({method.summary})"


def choice_problems(choice: MetricChoice | MetricReference, sweep: Sweep, places: Places, path: Path) -> Iterator[str]:
    """What is wrong with the metric that a method asks for."""
    metric = METRICS_BY_NAME.get(choice.metric)
    if metric is not None:
        yield from option_problems(metric.Options, dict(choice.options), places, (*path, "options"))
        return
    problem = str(unknown_name("metric", choice.metric, METRICS_BY_NAME, places.find(path)))
    if any(section.label == choice.metric for section in sweep.metrics):
        problem += "; a label is for the report: give the metric and its options, {metric: NAME, options: {...}}"
    yield problem


def _metric_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    for index, section in enumerate(sweep.metrics):
        path: Path = ("metrics", index)
        yield from label_problem("metric", section.metric, section.label, METRICS, places.find((*path, "label")))
        metric = METRICS_BY_NAME.get(section.metric)
        if metric is None:
            yield str(unknown_name("metric", section.metric, METRICS_BY_NAME, places.find((*path, "metric"))))
        else:
            yield from option_problems(metric.Options, section.options, places, (*path, "options"))


def label_problem(what: str, name: str, label: str | None, plugins: Iterable[Named], place: str) -> Iterator[str]:
    """A label must not be read as another plug-in's name."""
    if label != name and label in {plugin.name for plugin in plugins}:
        yield f"{place}: the label {label!r} is the name of another {what}; choose a label that cannot be mistaken"


def option_problems(options: type[BaseModel], values: dict[str, Any], places: Places, path: Path) -> list[str]:
    """What is wrong with the options of a plug-in, which stand at `path`."""
    try:
        options.model_validate(values)
    except ValidationError as error:
        return explain(error, options, places, path)
    return []


def _data_root_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    if sweep.data_root is not None and not _may_be_there(sweep.data_root):
        yield f"{places.find(('data_root',))}: no folder {sweep.data_root!r} for data_root{_from_here()}"


def _own_data_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    for name in own_names(sweep.tasks):
        for key in ("data", "dev"):
            path = getattr(sweep.tasks[name], key)
            if path is not None and is_on_hub(path):
                yield from (f"{places.find(('tasks', name, key))}: {said}" for said in unnamed(path))
            elif path is not None and not pathlib.Path(path).expanduser().exists():
                yield f"{places.find(('tasks', name, key))}: no file {path!r} for tasks.{name}.{key}{_from_here()}"


def _model_problems(sections: list[BackboneSection], places: Places) -> Iterator[str]:
    for index, section in enumerate(sections):
        if section.path is not None and not _may_be_there(section.path):
            place = places.find(("backbones", index, "path"))
            yield f"{place}: no folder {section.path!r} for the backbone {section.name!r}{_from_here()}"


def _may_be_there(folder: str) -> bool:
    """A folder of a server is asked for when it is read."""
    return is_url(folder) or pathlib.Path(folder).expanduser().is_dir()


def _from_here() -> str:
    return f" (relative paths start at {pathlib.Path.cwd()})"
