"""Tagging: which words praise and which blame, and what kind of goods is there?"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.entities import Piece, tagged
from panda_ray.tasks.suite.heldout.handling import thing_word
from panda_ray.tasks.suite.heldout.moods import reaction_word
from panda_ray.tasks.suite.lexicon import KINDS, Lexicon

PRAISE_TYPES = ("PRAISE", "BLAME")
GOODS_TYPES = tuple(kind.upper() for kind in KINDS)


def _judged(draw: Draw, lexicon: Lexicon) -> Piece:
    quality = draw.one(lexicon.qualities)
    return draw.one(quality.words), PRAISE_TYPES[quality.value < 0]


def _felt(draw: Draw, lexicon: Lexicon) -> Piece:
    sign = 2 * draw.below(2) - 1
    return reaction_word(draw, lexicon, sign), PRAISE_TYPES[sign < 0]


def _goods(draw: Draw, lexicon: Lexicon) -> Piece:
    kind = draw.one(KINDS)
    return thing_word(draw, lexicon, kind), kind.upper()


def praise_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the adjectives that praise or blame."""
    first, second = _judged(draw, lexicon), _judged(draw, lexicon)
    name, thing = draw.one(lexicon.first_names), draw.one(draw.one(lexicon.things).words)
    frames: tuple[list[Piece], ...] = (
        [("the", None), first, (f"{thing} of {name} was", None), second, (".", None)],
        [(f"{name} found a", None), first, ("and", None), second, (f"{thing} .", None)],
        [(f"{name} : the {thing} was not", None), first, ("but", None), second, (".", None)],
    )
    return tagged(draw.one(frames), PRAISE_TYPES)


def goods_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the goods, by their kind."""
    first, second, third = _goods(draw, lexicon), _goods(draw, lexicon), _goods(draw, lexicon)
    name, town = draw.one(lexicon.first_names), draw.one(lexicon.towns)
    frames: tuple[list[Piece], ...] = (
        [(f"{name} took a", None), first, ("and a", None), second, (f"to {town} .", None)],
        [(f"in {town} there were", None), first, (",", None), second, ("and", None), third, (".", None)],
        [(f"{name} wanted a", None), first, ("rather than a", None), second, (".", None)],
    )
    return tagged(draw.one(frames), GOODS_TYPES)


def remarks_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the words that praise or blame a town or what happened there; what is said of things is not
    meant."""
    judged, felt = _judged(draw, lexicon), _felt(draw, lexicon)
    name, town = draw.one(lexicon.first_names), draw.one(lexicon.towns)
    said = draw.one(draw.one(lexicon.qualities).words)
    thing = f"{said} {draw.one(draw.one(lexicon.things).words)}"
    frames: tuple[list[Piece], ...] = (
        [(f"people say that {town} is", None), judged, (f", but {name}", None), felt, (".", None)],
        [(f"{name} found a {thing} in {town} , which was", None), judged, (".", None)],
        [(f"the {thing} was lost ;", None), (name, None), felt, (f"in {town} .", None)],
        [("how", None), judged, (f"is {town} , said {name} of the {thing} !", None)],
    )
    return tagged(draw.one(frames), PRAISE_TYPES)
