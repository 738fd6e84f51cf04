"""Which tasks are of one type.

The heat maps put the tasks that fit nowhere else side by side under "other"; they are no type of their own: WiC, CoLA
and SST-2 ask for word senses, acceptability and sentiment, three types of Table I.
"""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "other"
"""The group of a task whose type no other task has."""


def same_type(first: str, second: str, groups: Mapping[str, str]) -> bool:
    """Whether two tasks count as a same-type pair, as in Table X."""
    return first == second or (groups[first] == groups[second] and groups[first] != OTHER)
