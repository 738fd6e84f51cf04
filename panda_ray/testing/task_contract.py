"""What every task keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.tasks import TASKS
from panda_ray.tasks.kinds import TAGGING
from panda_ray.tasks.measures.scores import MEASURES, reduce, statistics
from panda_ray.tasks.rows.loading import TaskRows, load_rows
from panda_ray.tasks.rows.table import columns_of
from panda_ray.tasks.task import BuiltinOrigin, HubOrigin, Row, TaskSpec, UserOrigin
from panda_ray.testing.perfect_outputs import perfect_outputs
from panda_ray.testing.tried_on import sample_backbone

ROWS = 24
"""That a task is tried on."""


class WatchedRow(dict[str, Any]):
    """A row that remembers which columns were read."""

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self.read: set[str] = set()

    def __getitem__(self, column: str) -> Any:
        self.read.add(column)
        return super().__getitem__(column)


class TaskContract:
    """Say in the fixture `spec` what is tested, and in `rows` what its rows look like, unless it makes its own."""

    @pytest.fixture
    def spec(self) -> TaskSpec:
        raise NotImplementedError("override the fixture `spec`")

    @pytest.fixture
    def rows(self, spec: TaskSpec) -> list[dict[str, Any]]:
        """At least 24 rows as the task's origin has them, with every label among them."""
        if not isinstance(spec.origin, BuiltinOrigin):
            raise NotImplementedError(f"task {spec.name} makes no rows of its own: override the fixture `rows`")
        return spec.origin.generate("train")[:ROWS]

    @pytest.fixture
    def tokenizer(self) -> Any:
        """A fast tokenizer that reads the texts."""
        return sample_backbone().tokenizer

    def test_it_is_found_by_its_name(self, spec: TaskSpec) -> None:
        assert TASKS.get(spec.name) is spec

    def test_its_declaration_is_complete(self, spec: TaskSpec) -> None:
        assert spec.kind.output_size(spec) == spec.output_size > 0
        assert spec.measure in MEASURES
        assert spec.group
        assert spec.first is not None
        assert (len(spec.labels) >= 2) == spec.kind.has_label_names
        assert len(set(spec.labels)) == len(spec.labels)
        assert spec.is_source or spec.is_target
        hyperparameters = spec.hyperparameters
        assert min(hyperparameters.lr, hyperparameters.batch_size, hyperparameters.epochs, spec.train_rows) > 0

    def test_its_tags_are_bio(self, spec: TaskSpec) -> None:
        if spec.kind is TAGGING:
            entities = {tag[2:] for tag in spec.labels[1:]}
            assert spec.labels[0] == "O"
            assert set(spec.labels[1:]) == {f"{prefix}-{entity}" for entity in entities for prefix in "BI"}

    def test_its_origin_is_pinned_or_says_why_there_is_none(self, spec: TaskSpec) -> None:
        if isinstance(spec.origin, HubOrigin):
            pinned = len(spec.origin.revision) == 40 and set(spec.origin.revision) <= set("0123456789abcdef")
            assert pinned or spec.origin.revision == "refs/convert/parquet"
            assert "/" in spec.origin.repository
        elif isinstance(spec.origin, UserOrigin):
            assert spec.origin.reason

    def test_its_templates_read_only_declared_columns(self, spec: TaskSpec, rows: list[dict[str, Any]]) -> None:
        for row in rows[:4]:
            watched = WatchedRow(row)
            for template in (spec.first, spec.second):
                if template is not None:
                    template(watched)
            assert watched.read <= set(spec.columns)

    def test_its_templates_change_with_the_text(self, spec: TaskSpec, rows: list[dict[str, Any]]) -> None:
        def texts(row: Row) -> Iterator[str]:
            for template in (spec.first, spec.second):
                if template is not None:
                    yield str(template(row))

        assert len({tuple(texts(row)) for row in rows[:4]}) > 1

    def test_perfect_outputs_score_100_percent(
        self, spec: TaskSpec, rows: list[dict[str, Any]], tokenizer: Any, tmp_path: Path
    ) -> None:
        dev = loaded(spec, tmp_path, rows, rows).dev
        split = spec.encode(dev, tokenizer, 128)
        values = spec.decode(split, perfect_outputs(spec, split))
        assert len(values) == len(split.references) == len(dev)
        assert reduce(spec.measure, statistics(spec.measure, values, split.references)) == pytest.approx(100)

    def test_constant_outputs_score_less(self, spec: TaskSpec, rows: list[dict[str, Any]], tokenizer: Any) -> None:
        split = spec.encode(rows, tokenizer, 128)
        values = spec.decode(split, np.zeros_like(perfect_outputs(spec, split)))
        assert reduce(spec.measure, statistics(spec.measure, values, split.references)) < 100

    def test_its_tensors_have_the_documented_form(
        self, spec: TaskSpec, rows: list[dict[str, Any]], tokenizer: Any
    ) -> None:
        split = spec.encode(rows, tokenizer, 32)
        encoded, width = split.input_ids_RT.shape
        assert width == int(split.lengths_R.max()) <= 32
        assert split.token_type_ids_RT.shape == (encoded, width)
        assert encoded == split.examples * split.rows_per_example == len(split.lengths_R)
        assert len(split.labels) == len(split.decoding) == split.examples
        assert list(split.item_of_example) == sorted(split.item_of_example)
        assert set(split.item_of_example) == set(range(len(rows))) == set(range(len(split.references)))
        padding = np.arange(width) >= split.lengths_R.numpy()[:, None]
        assert (split.input_ids_RT.numpy()[padding] == tokenizer.pad_token_id).all()
        assert (split.input_ids_RT.numpy()[~padding] != tokenizer.pad_token_id).all()

    def test_its_fingerprint_is_that_of_its_columns(
        self, spec: TaskSpec, rows: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        plain = loaded(spec, tmp_path / "plain", rows, rows)
        if isinstance(spec.origin, BuiltinOrigin):
            assert load_rows(spec).fingerprint == load_rows(spec).fingerprint
            return
        more = [{**row, "extra": index} for index, row in enumerate(rows)]
        wide = loaded(spec, tmp_path / "wide", more, more)
        assert plain.fingerprint == wide.fingerprint
        assert plain.fingerprint != loaded(spec, tmp_path / "swapped", rows[::-1], rows).fingerprint
        assert set(wide.dev[0]) == set(columns_of(spec))


def loaded(spec: TaskSpec, root: Path, train: Sequence[Row], dev: Sequence[Row]) -> TaskRows:
    """Rows as the task reads them from a folder of data sets; of its own where it makes them by itself."""
    folder = root / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("validation", dev)):
        pq.write_table(pa.Table.from_pylist(list(rows)), folder / f"{split}.parquet")
    return load_rows(spec, str(root), max_dev_rows=len(dev))
