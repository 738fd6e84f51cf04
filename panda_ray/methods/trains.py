"""What a method trains below the heads, as planning sees it: what may share a pass, what it costs, what is kept.

The trainables themselves need torch; this is what is known of them without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gradients = Literal["none", "prefix", "inputs", "weights"]


@dataclass(frozen=True)
class Trains:
    """What the trainings of a method have in common with those that may be members of their stack.

    Attributes:
        name: units of one name, and of equal hyper-parameters, have leaves of one shape: they may share a stack.
        as_tokens: the virtual tokens pass through the layers in front of each row's, instead of being keys and values.
        gradients: how far down a gradient is computed: not in the backbone at all (`none`), to the keys and values of
            the lowest `prefix`, to the `inputs` of the lowest layer, or to those and to all `weights`.
        has_adapter: PEFT has an adapter that computes what is kept.
        bottleneck: of adapters behind both parts of every layer; 0 where there are none.
        most_members: of a stack, where they share no pass and so no time; None where nothing but memory limits them.
    """

    name: str
    as_tokens: bool = False
    gradients: Gradients = "prefix"
    has_adapter: bool = True
    bottleneck: int = 0
    most_members: int | None = None


PREFIXES = Trains("prefix")
"""Keys and values before the tokens of every layer."""

NOTHING = Trains("nothing", gradients="none")
"""What is there is evaluated, whatever the hyper-parameters."""
