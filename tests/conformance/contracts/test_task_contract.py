"""The package's own tasks keep their contract, on made-up rows and on real ones; a new literal inherits both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from panda_ray.tasks import PAPER_TASKS, TASKS
from panda_ray.tasks.kinds import EXTRACTIVE_QA
from panda_ray.tasks.measures.scores import reduce, statistics
from panda_ray.tasks.rows.loading import MissingData, load_rows
from panda_ray.tasks.task import TaskSpec
from panda_ray.testing import TaskContract
from panda_ray.testing.perfect_outputs import perfect_outputs
from support.trained.task_data import TOKENIZERS, rows_of

REAL_DATA = Path(os.environ.get("PANDA_RAY_DATA", Path(__file__).parents[4] / "shared" / "data"))


class TestTasks(TaskContract):
    @pytest.fixture(params=TASKS, ids=lambda spec: spec.name)
    def spec(self, request: pytest.FixtureRequest) -> TaskSpec:
        return request.param

    @pytest.fixture
    def rows(self, spec: TaskSpec) -> list[dict[str, Any]]:
        return rows_of(spec, 24)

    @pytest.fixture(params=TOKENIZERS)
    def tokenizer(self, request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
        return TOKENIZERS[request.param]()


def test_names_are_unique() -> None:
    assert len({spec.name for spec in TASKS}) == len(TASKS)


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word or punctuation mark, all unknown: offsets are what this test needs."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "[CLS]": 2, "[SEP]": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="no real rows here; set PANDA_RAY_DATA to a data_root")
@pytest.mark.parametrize("spec", PAPER_TASKS, ids=lambda spec: spec.name)
def test_real_rows_can_be_learnt_perfectly(spec: TaskSpec) -> None:
    try:
        rows = load_rows(spec, str(REAL_DATA), max_train_rows=50, max_dev_rows=300)
    except MissingData as error:
        pytest.skip(str(error))
    split = spec.encode(rows.dev, word_tokenizer(), 256)
    values = spec.decode(split, perfect_outputs(spec, split))
    score = reduce(spec.measure, statistics(spec.measure, values, split.references))
    # A few published answers are longer than the 30 tokens that a prediction may have.
    assert score >= (99 if spec.kind is EXTRACTIVE_QA else 100 - 1e-9)
