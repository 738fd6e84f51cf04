"""Every check, in the order in which people look, and what they found together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from panda_ray.errors import InputError
from panda_ray.usecases import Busy
from panda_ray.usecases.doctor.case import Case, Check, Finding
from panda_ray.usecases.doctor.cluster_nodes import check_nodes, check_token
from panda_ray.usecases.doctor.machine import check_disk, check_hardware, check_versions
from panda_ray.usecases.doctor.remains import check_leases, check_leftovers, check_stale_runs
from panda_ray.usecases.doctor.services import check_storage, check_tracking
from panda_ray.usecases.doctor.sweep_inputs import check_inputs

CHECKS: Mapping[str, Check] = {
    "versions": check_versions,
    "hardware": check_hardware,
    "disk": check_disk,
    "token": check_token,
    "nodes": check_nodes,
    "storage": check_storage,
    "tracking": check_tracking,
    "data": check_inputs,
    "stale runs": check_stale_runs,
    "leases": check_leases,
    "leftovers": check_leftovers,
}
"""By the name that their findings have."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        facts: JSON data about what was examined.
    """

    facts: Mapping[str, Any]
    findings: Sequence[Finding]

    @property
    def healthy(self) -> bool:
        """Nothing that was found keeps a run from working."""
        return all(finding.state != "failure" for finding in self.findings)

    @property
    def data(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {"facts": dict(self.facts), "findings": [finding.data for finding in self.findings]}


def examine(
    case: Case, fix: bool = False, busy: Busy = nullcontext, checks: Mapping[str, Check] = CHECKS
) -> Examination:
    """Run checks, one after the other; one that breaks is a finding, and the others go on.

    Args:
        fix: mend what can be mended safely.
    """
    findings: list[Finding] = []
    for name, check in checks.items():
        with busy(f"looking at {name}"):
            findings += [_mended(finding) if fix else finding for finding in _found(name, check, case)]
    return Examination(case.facts, findings)


def _found(name: str, check: Check, case: Case) -> list[Finding]:
    try:
        return list(check(case))
    except InputError as error:
        return [Finding(name, "failure", str(error))]
    except Exception as error:  # whatever a library or a machine does: the other checks still have something to say
        return [Finding(name, "failure", f"it could not be looked at: {type(error).__name__}: {error}")]


def _mended(finding: Finding) -> Finding:
    if finding.fix is None:
        return finding
    try:
        return replace(finding, state="ok", says=f"mended: {finding.fix()}", remedy="", fix=None)
    except Exception as error:
        return replace(finding, says=f"{finding.says}; mending it failed: {error}", fix=None)
