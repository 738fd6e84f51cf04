"""Sentiment: is an opinion good or bad, and how much?

A sentence names one or two qualities; "not" turns a quality round. The group needs the polarity and strength of
adjectives.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon, Quality

FORMS = ("plain", "plain", "double", "double", "turned", "mixed")
"""Forms of a judgement, each as often as it is listed."""


def quality_phrase(draw: Draw, quality: Quality) -> str:
    """An adjective, perhaps with the adverb that fits its strength."""
    adverb = ("utterly", "truly") if abs(quality.value) == 2 else ("rather", "fairly")
    word = draw.one(quality.words)
    return f"{draw.one(adverb)} {word}" if draw.chance(0.3) else word


def judgement(draw: Draw, lexicon: Lexicon, sign: int) -> tuple[str, int]:
    """Words that judge something, and the sum of their values, whose sign is `sign`."""
    form = draw.one(FORMS)
    good = [quality for quality in lexicon.qualities if quality.value * sign > 0]
    bad = [quality for quality in lexicon.qualities if quality.value * sign < 0]
    first = draw.one(good)
    if form == "plain":
        return quality_phrase(draw, first), first.value
    if form == "turned":
        turned = draw.one(bad)
        return f"not {draw.one(turned.words)}", -turned.value
    if form == "double":
        second = draw.other(good, first)
        return f"{quality_phrase(draw, first)} and {quality_phrase(draw, second)}", first.value + second.value
    strong = draw.one([quality for quality in good if abs(quality.value) == 2])
    weak = draw.one([quality for quality in bad if abs(quality.value) == 1])
    pair = draw.shuffled((strong, weak))
    return " but ".join(quality_phrase(draw, quality) for quality in pair), strong.value + weak.value


def opinion(draw: Draw, lexicon: Lexicon, sign: int) -> tuple[str, int]:
    """A sentence of a review and its value in -4 ... 4, never 0."""
    thing = draw.one(draw.one(lexicon.things).words)
    name = draw.one(lexicon.first_names)
    words, value = judgement(draw, lexicon, sign)
    frames = (
        f"the {thing} was {words} .",
        f"{name} found the {thing} {words} .",
        f"this {thing} is {words} , said {name} .",
        f"{name} bought a {thing} which was {words} .",
    )
    return draw.one(frames), value


def remark(draw: Draw, lexicon: Lexicon, sign: int) -> str:
    """An opinion in other words than a review's, about a town or a guild."""
    words, _ = judgement(draw, lexicon, sign)
    town = draw.one(lexicon.towns)
    frames = (
        f"people say that {town} is {words} .",
        f"our days in {town} were {words} .",
        f"the work of the {draw.one(lexicon.guilds)} guild seems {words} .",
        f"how {words} the weather in {town} is !",
    )
    return draw.one(frames)


def review_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` 0 bad or 1 good."""
    label = draw.below(2)
    return {"sentence": opinion(draw, lexicon, 2 * label - 1)[0], "label": label}


def rating_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` from -4 (very bad) to 4 (very good)."""
    sentence, value = opinion(draw, lexicon, 2 * draw.below(2) - 1)
    return {"sentence": sentence, "label": float(value)}


def remark_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` 0 bad or 1 good."""
    label = draw.below(2)
    return {"sentence": remark(draw, lexicon, 2 * label - 1), "label": label}
