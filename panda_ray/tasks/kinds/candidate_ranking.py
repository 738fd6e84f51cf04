"""Candidate ranking (ReCoRD): one binary example per candidate of a query, the best-scoring candidate answers it.

Shape letters: E examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.kinds.kind import TaskKind, softmax
from panda_ray.tasks.kinds.labels import shown
from panda_ray.tasks.kinds.token_rows import Texts, encode_texts

if TYPE_CHECKING:
    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


class CandidateRanking(TaskKind):
    """The second template maps each candidate to the query with that candidate filled in.

    A label is the list of right candidates, of which a prediction names one.
    """

    name = "candidate_ranking"
    answer = "each candidate is a row; the largest second output less the first is the right one"
    has_classes = True
    head_names_labels = True
    holds_lists = True

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        candidates, answers = self._candidates(spec, row), row[spec.label_column]
        if not candidates:
            return "the row has no candidates to choose from"
        if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
            return f"{shown(answers)} is no list of texts"
        if not answers:
            return "the row has no answer; test sets without answers cannot be scored"
        if not any(answer in candidates for answer in answers):
            return f"none of the answers {shown(answers)} is among the candidates {shown(list(candidates))}"
        return None

    def placeholder(self, spec: TaskSpec, row: Row) -> list[str]:
        return list(self._candidates(spec, row))

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return f"{len(value)} answers"

    def texts(self, spec: TaskSpec, row: Row) -> Texts:
        assert spec.first is not None, f"task {spec.name} has no template for its passage"
        passage = spec.first(row)
        return [(passage, query) for query in self._candidates(spec, row).values()]

    def reference(self, spec: TaskSpec, row: Row) -> Any:
        """The accepted answers."""
        return {"answers": list(row[spec.label_column])}

    def encode(self, spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """One example per candidate, one item per row; a candidate's label is 1 if it is among the row's answers."""
        candidates, labels, items = [], [], []
        for item, row in enumerate(rows):
            answers = set(row[spec.label_column])
            for candidate in self._candidates(spec, row):
                candidates.append(candidate)
                labels.append(int(candidate in answers))
                items.append(item)
        texts = [text for row in rows for text in self.texts(spec, row)]
        return encode_texts(tokenizer, texts, max_len).as_split(
            tokenizer,
            labels=np.asarray(labels, dtype=self.label_type),
            references=tuple(self.reference(spec, row) for row in rows),
            item_of_example=items,
            decoding=candidates,
        )

    def _candidates(self, spec: TaskSpec, row: Row) -> Mapping[str, str]:
        assert spec.second is not None, f"task {spec.name} has no template for its candidates"
        candidates: Mapping[str, str] = spec.second(row)
        return candidates

    def output_size(self, spec: TaskSpec) -> int:
        return len(spec.labels)

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[str, ...]:
        """The candidate of each item with the largest margin for "right" in (E, 2); the first one of equals."""
        margin_E = kept_E[:, 1].astype(np.float64) - kept_E[:, 0]
        item_E = np.asarray(split.item_of_example)
        order = np.lexsort((np.arange(len(item_E)), -margin_E, item_E))
        _, first = np.unique(item_E[order], return_index=True)
        return tuple(split.decoding[example] for example in order[first])

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """Of each candidate, that it is right; they need not add up to 1."""
        found: list[dict[str, float]] = [{} for _ in split.references]
        for item, candidate, right in zip(
            split.item_of_example, split.decoding, softmax(outputs_E)[:, 1].tolist(), strict=True
        ):
            found[item][candidate] = right
        return tuple(found)


CANDIDATE_RANKING = CandidateRanking()
