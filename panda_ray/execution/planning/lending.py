"""Trained prompts that a plan need not train, because the store that its sweep names in `prompts` has them."""

from __future__ import annotations

from dataclasses import replace

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store


def lent(plan: Plan, origin: Store) -> frozenset[str]:
    """Units of a plan that are not done, and are in another store: trainings that nothing was transferred to.

    They have the same key there, so they are the same training of the same rows; what was computed from other results
    would need those, too.
    """
    wanted = {
        key
        for key, unit in plan.units.items()
        if key not in plan.done and unit.product == "prompt" and not plan.depends_on[key]
    }
    return origin.done_keys(wanted) if wanted else frozenset()


def without(plan: Plan, taken: frozenset[str]) -> Plan:
    """The plan as it will be when some results have been taken; its stacks are those that are left, narrower."""
    kept = []
    for stack in plan.stacks:
        members = tuple(member for member in stack.members if member.key not in taken)
        if members:
            kept.append(stack if len(members) == len(stack.members) else replace(stack, members=members))
    return replace(plan, done=plan.done | taken, stacks=tuple(kept))
