"""Moods: how did somebody take it, and which of two things is better?

The group needs the polarity of reactions, and polarity and strength of adjectives, each alone or compared.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon


def reaction_word(draw: Draw, lexicon: Lexicon, sign: int) -> str:
    """A verb of the feeling whose sign is `sign`."""
    return draw.one(draw.one([reaction for reaction in lexicon.reactions if reaction.value == sign]).words)


def mood_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` 1 where the one who is named first is glad; another one may feel the opposite."""
    label = draw.below(2)
    sign = 2 * label - 1
    name, other = draw.several(lexicon.first_names, 2)
    town = draw.one(lexicon.towns)
    own = reaction_word(draw, lexicon, sign)
    frames = (
        f"{name} {own} in {town} .",
        f"{name} met {other} and {own} .",
        f"{name} {own} but {other} {reaction_word(draw, lexicon, -sign)} .",
        f"{name} {own} and {other} {reaction_word(draw, lexicon, sign)} .",
    )
    return {"sentence": draw.one(frames), "label": label}


def strength_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` 1 where what is said of a thing is strong, be it good or bad."""
    label = draw.below(2)
    alike = [quality for quality in lexicon.qualities if abs(quality.value) == label + 1]
    first, second = (draw.one(quality.words) for quality in draw.several(alike, 2))
    name, thing = draw.one(lexicon.first_names), draw.one(draw.one(lexicon.things).words)
    frames = (
        f"{name} saw a {first} {thing} .",
        f"{name} said that the {thing} is {first} .",
        f"the {first} {thing} of {name} was {second} .",
    )
    return {"sentence": draw.one(frames), "label": label}


def trend_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` -4 ... 4: by how much what is said last is better than what is said first."""
    first, second = draw.several(lexicon.qualities, 2)
    before, after = draw.one(first.words), draw.one(second.words)
    name, thing = draw.one(lexicon.first_names), draw.one(draw.one(lexicon.things).words)
    frames = (
        f"the {thing} was {before} , it is {after} .",
        f"{name} wanted a {before} {thing} and bought a {after} {thing} .",
        f"they said {before} , but {name} found the {thing} {after} .",
    )
    return {"sentence": draw.one(frames), "label": float(second.value - first.value)}


def verdict_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence` that judges two towns, `label` 1 where the second one is the better."""
    label = draw.below(2)
    first, second = draw.several(lexicon.qualities, 2)
    while first.value == second.value:
        first, second = draw.several(lexicon.qualities, 2)
    worse, better = sorted((first, second), key=lambda quality: quality.value)
    pair = (worse, better) if label else (better, worse)
    said, other = (draw.one(quality.words) for quality in pair)
    town, there = draw.several(lexicon.towns, 2)
    name = draw.one(lexicon.first_names)
    frames = (
        f"people say that {town} is {said} and {there} is {other} .",
        f"{name} went from {said} {town} to {other} {there} .",
        f"our days in {town} were {said} , and {other} in {there} .",
        f"how {said} is {town} , how {other} is {there} !",
    )
    return {"sentence": draw.one(frames), "label": label}
