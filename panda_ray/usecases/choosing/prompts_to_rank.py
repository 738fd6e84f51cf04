"""Whose prompts are ranked for a task: those of a sweep, those of a store, or those that come with the package."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from panda_ray.errors import InputError, unknown_name
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.names_of_sweeps import is_sweep_file
from panda_ray.usecases.shared_prompts.kept import prompts_in
from panda_ray.usecases.shared_prompts.prompt_places import BUILTIN as SHIPPED_PROMPTS
from panda_ray.usecases.shared_prompts.taking import origin_of
from panda_ray.usecases.starting.init import BUILTIN, HUB_SOURCES, backbone_section


def sweep_to_rank(prompts: str | None = None, backbone: str | None = None, changes: Sequence[str] = ()) -> Sweep:
    """The sweep whose source prompts are ranked; its first backbone is the one that is meant.

    Args:
        prompts: a sweep file or the name of a shipped sweep, whose finished cells are evidence; or a store, by folder
            or URL, with prompts that were trained as `panda-ray init` trains sources. The package's unless given.
        backbone: its name, or the folder of a model; the first one of a sweep unless given.
        changes: `--set` texts.

    Raises:
        InputError: there is no such backbone, or the sweep, the package or the store has no prompts of it.
    """
    if prompts is not None and is_sweep_file(prompts):
        return on_backbone(load_sweep(prompts, changes), backbone)
    backbone = backbone or BUILTIN
    section = backbone_section(backbone)
    if prompts is None and backbone != BUILTIN:
        raise InputError(
            f"the package brings prompts of {BUILTIN} alone; name a store or a sweep that has some of {backbone}: "
            "--prompts URL, or --prompts SWEEP"
        )
    place = SHIPPED_PROMPTS if prompts is None else prompts
    sweep = load_sweep("quickstart", [f"prompts={json.dumps(place)}", *_sources_of(backbone, section), *changes])
    if prompts is not None:
        origin_of(sweep)
        _check_has(prompts, sweep.backbones[0].name)
    return sweep


def on_backbone(sweep: Sweep, backbone: str | None) -> Sweep:
    """A sweep with one of its backbones alone; as it is where none is named.

    Raises:
        InputError: it has no such backbone.
    """
    if backbone is None:
        return sweep
    known = {section.name: section for section in sweep.backbones}
    if backbone not in known:
        raise InputError(f"sweep {sweep.name!r}: {unknown_name('backbone', backbone, known)}")
    return sweep.model_copy(update={"backbones": (known[backbone],)})


def _sources_of(backbone: str, section: str) -> list[str]:
    """Changes to the sweep of the built-in suite: another backbone has other sources, trained by the defaults."""
    if backbone == BUILTIN:
        return []
    sources = json.dumps(HUB_SOURCES)
    return [
        *("name=recommend", "storage=runs/recommend", "training={}", "tasks={}"),
        *(f"backbones=[{section}]", f"sources={sources}", f"targets={sources}"),
    ]


def _check_has(place: str, backbone: str) -> None:
    found = Counter(each.backbone for each in prompts_in(place))
    if not found[backbone]:
        there = ", ".join(f"{count} of {name}" for name, count in sorted(found.items())) or "none"
        raise InputError(
            f"{place} has no prompt of {backbone} (it has {there}); --prompts names a store or a sweep file"
        )
