"""The prompt that an adaptation found, in words: what it is, how good, and how far to trust that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panda_ray.usecases.exporting.held_out import HeldOut

INVENTED = (
    "builtin-tiny knows an invented language only: this shows what would happen; for a prompt to use, give the model's "
    "folder or name: --backbone"
)


def describe_held_out(found: HeldOut) -> list[str]:
    """Method and score of the best prompt, what one answer to all rows scores, and what chose it."""
    record = found.record
    start = f" from {', '.join(record['sources'])}" if record["sources"] else ", without a source"
    lines = [
        f"Best prompt: {record['method']}{start} (seed {record['seed']}), {record['measure']} {record['score']:.1f} on "
        f"{found.items:,} rows that were not trained on, 95 % interval [{found.low:.1f}, {found.high:.1f}]"
    ]
    if found.one_answer is not None:
        above = "which lies below the interval"
        if found.low <= found.one_answer:
            above = "which is not below the interval: perhaps nothing was learnt; try more rows or another backbone"
        lines.append(f"The commonest label for every row scores {found.one_answer:.1f}, {above}")
    chosen = "epoch, method, source and seed" if found.has_chosen else "method, source and seed"
    return [*lines, f"These rows chose {chosen}, so expect somewhat less on new ones"]
