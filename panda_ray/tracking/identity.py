"""Which sweep a plan in MLflow belongs to: two sweeps may share a name, and so an experiment, but not their cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep


class OtherSweepError(InputError):
    """MLflow has the cells of another sweep under the name of the one that was asked for."""


IDENTITY = "identity"
"""Field of a plan in MLflow."""

_NO_BEARING: Mapping[str, Any] = {
    **dict.fromkeys(("name", "storage", "tracking_uri", "resources", "prices", "tracking", "backbones"), True),
    "search": {"storage": True},
}
"""Fields of a sweep that say where and how, not which cells; each backbone has a plan of its own."""

_SETS = ("sources", "targets", "seeds")
"""Fields whose order means nothing to a cell."""


def sweep_identity(sweep: Sweep, backbone: str) -> dict[str, str]:
    """What decides a backbone's cells: a hash per field of the sweep, because paths and addresses are private."""
    fields = sweep.model_dump(mode="json", exclude=dict(_NO_BEARING))
    fields |= {name: sorted(fields[name], key=json.dumps) for name in _SETS}
    fields["backbones"] = next(section.model_dump() for section in sweep.backbones if section.name == backbone)
    fields["hyperparameters"] = _chosen(sweep, backbone)
    return {name: _hash(value) for name, value in fields.items()}


def _chosen(sweep: Sweep, backbone: str) -> list[dict[str, Any]]:
    """What a tuned file has for a backbone, without what speaks for it and in whatever order."""
    chosen = (
        [each for each in sweep.hyperparameters.chosen if each.backbone == backbone] if sweep.hyperparameters else []
    )
    return [each.model_dump(mode="json", exclude={"measured"}) for each in sorted(chosen, key=lambda each: each.cell)]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def check_plans(plans: Mapping[str, Mapping[str, Any]], sweep: Sweep, server: str) -> None:
    """Refuse what was run under the sweep's name but is not this sweep.

    Args:
        plans: per backbone, the plan that was run last.
        server: for the message.

    Raises:
        InputError: for a backbone without a plan.
        OtherSweepError: for one with the plan of another sweep; it names the fields that differ.
    """
    for section in sweep.backbones:
        if section.name not in plans:
            raise InputError(
                f"MLflow at {server} knows no runs of backbone {section.name!r} in sweep {sweep.name!r}; run it first"
            )
        ours, theirs = sweep_identity(sweep, section.name), plans[section.name].get(IDENTITY, {})
        if differing := [name for name in ours if ours[name] != theirs.get(name)]:
            raise OtherSweepError(
                f"MLflow at {server} has another sweep under the name {sweep.name!r}, with another "
                f"{', '.join(differing)} for backbone {section.name!r}; give the file and --set options of that run, "
                "or run this sweep"
            )
