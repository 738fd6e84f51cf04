"""The texts that templates make, as method.md and P-Tuning v2 define them."""

from __future__ import annotations

from panda_ray.tasks import get_task
from panda_ray.tasks.specs.ner_srl import conll04_row


def texts(task: str, **row: object) -> tuple[object, object]:
    spec = get_task(task)
    assert spec.first is not None
    return spec.first(row), None if spec.second is None else spec.second(row)


def test_wic_asks_about_the_word_in_one_text() -> None:
    assert texts("wic", word="bank", sentence1="A bank.", sentence2="The bank.") == (
        "A bank. The bank. Does bank have the same meaning in both sentences?",
        None,
    )


def test_wsc_puts_the_pronoun_first_and_pairs_it_with_the_noun() -> None:
    row = {"text": "Mark left. He ran.", "span1_text": "Mark", "span2_text": "He"}
    assert texts("wsc", **row) == ("He: Mark left. He ran.", "Mark")


def test_copa_joins_by_its_question() -> None:
    row = {"premise": "It rained.", "choice1": "Wet.", "choice2": "Dry."}
    assert texts("copa", **row, question="effect") == (("It rained. so",) * 2, ("Wet.", "Dry."))
    assert texts("copa", **row, question="cause") == (("It rained. because",) * 2, ("Wet.", "Dry."))


def test_multirc_pairs_the_paragraph_with_question_and_answer() -> None:
    assert texts("multirc", paragraph="P.", question="Q?", answer="A") == ("P.", "Q? A")


def test_record_fills_each_candidate_in_once() -> None:
    row = {"passage": "Text.\n@highlight\nPoint", "query": "@placeholder won", "entities": ["Ann", "Bob", "Ann"]}
    assert texts("record", **row) == ("Text.\n- Point", {"Ann": "Ann won", "Bob": "Bob won"})


def test_hub_spans_of_conll04_become_tags() -> None:
    row = {
        "tokens": ["John", "Smith", "visits", "Rome"],
        "entities": [{"type": "Peop", "start": 0, "end": 2}, {"type": "Loc", "start": 3, "end": 4}],
    }
    assert conll04_row(row) == {"tokens": row["tokens"], "ner_tags": ["B-Peop", "I-Peop", "O", "B-Loc"]}
