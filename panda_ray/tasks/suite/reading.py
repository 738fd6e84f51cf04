"""Reading: find the answer to a question in two facts.

Both facts are of one relation, so the answer cannot be found by its type alone: the question's name or thing must be
matched. One question in ten has no answer.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon

UNANSWERED = 0.1


def resident_facts(draw: Draw, lexicon: Lexicon) -> list[tuple[str, str, str]]:
    """Facts about people: text, question and answer of each, all of one relation."""
    names = draw.several(lexicon.first_names, 3)
    if draw.chance(0.5):
        places = draw.several(lexicon.towns, 3)
        facts = [(f"{n} lives in {p} .", n, p) for n, p in zip(names, places, strict=True)]
        asked = [(f"where does {n} live ?", p) if draw.chance(0.5) else (f"who lives in {p} ?", n) for _, n, p in facts]
    else:
        groups = draw.several(lexicon.guilds, 3)
        facts = [(f"{n} works for the {g} guild .", n, f"{g} guild") for n, g in zip(names, groups, strict=True)]
        asked = [
            (f"for whom does {n} work ?", g) if draw.chance(0.5) else (f"who works for the {g} ?", n)
            for _, n, g in facts
        ]
    return [(text, question, answer) for (text, _, _), (question, answer) in zip(facts, asked, strict=True)]


def trade_facts(draw: Draw, lexicon: Lexicon) -> list[tuple[str, str, str]]:
    """Facts about purchases: text, question and answer of each."""
    names = draw.several(lexicon.first_names, 3)
    words = [draw.one(thing.words) for thing in draw.several(lexicon.things, 3)]
    facts = [(f"{n} bought a {w} .", n, w) for n, w in zip(names, words, strict=True)]
    asked = [(f"what did {n} buy ?", w) if draw.chance(0.5) else (f"who bought a {w} ?", n) for _, n, w in facts]
    return [(text, question, answer) for (text, _, _), (question, answer) in zip(facts, asked, strict=True)]


def passage_row(draw: Draw, facts: list[tuple[str, str, str]]) -> dict[str, Any]:
    """`context`, `question`, `answers` as in SQuAD 2.0: two of three facts, a question about one of the three."""
    told = facts[:2]
    context = " ".join(text for text, _, _ in told)
    if draw.chance(UNANSWERED):
        return {"context": context, "question": facts[2][1], "answers": {"text": [], "answer_start": []}}
    _, question, answer = draw.one(told)
    start = f" {context}".index(f" {answer} ")
    return {"context": context, "question": question, "answers": {"text": [answer], "answer_start": [start]}}


def reading_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about people."""
    return passage_row(draw, resident_facts(draw, lexicon))


def lookup_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about purchases."""
    return passage_row(draw, trade_facts(draw, lexicon))
