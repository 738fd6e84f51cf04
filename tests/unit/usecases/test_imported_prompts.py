"""A prompt that PEFT trained is kept under its content, and a sweep starts from it instead of training one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PrefixTuningConfig, get_peft_model
from transformers import AutoTokenizer, BertForSequenceClassification

from panda_ray.backbones.registry import model_location
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.runner import RunnerName, make_runner
from panda_ray.usecases.shared_prompts.importing import import_prompt
from panda_ray.usecases.shared_prompts.kept import KeptPrompt, prompts_in


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder that PEFT has saved, and the model."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(3)
    model = BertForSequenceClassification.from_pretrained(model_location("builtin-tiny"), num_labels=2)
    model = get_peft_model(model, PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4)).eval()
    torch.nn.init.normal_(next(model.prompt_encoder.parameters()))
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture(scope="module")
def shared(adapter: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KeptPrompt]:
    """A store with that adapter as a prompt of `review`."""
    store = tmp_path_factory.mktemp("shared")
    return store, import_prompt(adapter[0], str(store), "review", "builtin-tiny", max_len=32)


def sweep(tmp_path: Path, kept: KeptPrompt | None, *changes: str) -> Sweep:
    imported = f"{{review: {{imported: {{builtin-tiny: {kept.imported}}}}}}}" if kept else "{}"
    (tmp_path / "x.yaml").write_text(
        f"name: x\nstorage: {tmp_path / 'runs'}\nbackbones: [builtin-tiny]\nsources: [review]\ntargets: [remark]\n"
        "methods: [pot]\nmetrics: [e_avg]\nseeds: [1, 2]\n"
        f"training: {{prompt_len: 4, max_len: 32, epochs: 1}}\ntasks: {imported}\n"
    )
    rows = [f"tasks.{task}.{limit}=16" for task in ("review", "remark") for limit in ("max_train_rows", "max_dev_rows")]
    return load_sweep(str(tmp_path / "x.yaml"), [*rows, *changes])


def test_its_score_is_what_peft_predicts(adapter: tuple[Path, Any], shared: tuple[Path, KeptPrompt]) -> None:
    _, model = adapter
    spec, tokenizer = get_task("review"), AutoTokenizer.from_pretrained(model_location("builtin-tiny"))
    dev = load_rows(spec).dev
    texts = tokenizer(
        [row["sentence"] for row in dev], padding=True, truncation=True, max_length=32, return_tensors="pt"
    )
    with torch.no_grad():
        predicted = model(**texts).logits.argmax(dim=1)
    right = [int(code) == row["label"] for code, row in zip(predicted, dev, strict=True)]
    assert shared[1].score == pytest.approx(100 * sum(right) / len(right))


def test_it_is_listed_by_its_content_and_importing_it_again_changes_nothing(
    adapter: tuple[Path, Any], shared: tuple[Path, KeptPrompt]
) -> None:
    store, kept = shared
    assert prompts_in(str(store)) == [kept]
    assert kept.imported is not None
    assert len(kept.imported) == 64
    assert import_prompt(adapter[0], str(store), "review", "builtin-tiny", max_len=32) == kept
    other = import_prompt(adapter[0], str(store), "paraphrase", "builtin-tiny", max_len=32)
    assert other.imported == kept.imported
    assert other.key != kept.key


def test_a_sweep_starts_from_it_and_trains_no_prompt_of_that_task(
    shared: tuple[Path, KeptPrompt], tmp_path: Path
) -> None:
    store, kept = shared
    named = sweep(tmp_path, kept, f"prompts={store}")
    outlook = plan_sweep(named)
    assert outlook.taken == {kept.key}
    assert outlook.counts["source prompts"] == {"total": 3, "done": 1, "to_run": 2, "blocked": 0}
    ended = run_sweep(named, make_runner(RunnerName.INLINE))
    assert ended.complete
    cells = [cell.key for cell in ended.plan.cells]
    assert len(cells) == 2
    for key in cells:
        [read] = Store(named.storage).known(key)["inputs"]["source_prompt"]
        assert read["key"] == kept.key
    trained = plan_sweep(sweep(tmp_path, None))
    assert not {kept.key, *cells} & set(trained.plan.units), "a key of an imported prompt is none of a trained one"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], "no prompt .* is in the store that `prompts` names"),
        (["prompts={store}", "training.max_len=48"], "evaluated with max_len 48"),
        (["prompts={store}", "training.position_offset=false"], "training.position_offset false"),
    ],
)
def test_an_imported_prompt_that_a_sweep_cannot_take_is_one_sentence(
    changes: list[str], said: str, shared: tuple[Path, KeptPrompt], tmp_path: Path
) -> None:
    store, kept = shared
    named = sweep(tmp_path, kept, *[change.format(store=store) for change in changes])
    with pytest.raises(InputError, match=said):
        plan_sweep(named)
    with pytest.raises(InputError, match=said):
        run_sweep(named, make_runner(RunnerName.INLINE))


def test_a_backbone_that_the_sweep_has_not_is_one_sentence(shared: tuple[Path, KeptPrompt], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown backbone of this sweep 'bert-tiny'"):
        sweep(tmp_path, shared[1], f"tasks.review.imported={{bert-tiny: {shared[1].imported}}}")


@pytest.mark.parametrize(
    ("task", "backbone", "said"),
    [
        ("kinds", "builtin-tiny", "the head has 2 outputs, and task 'kinds' asks for"),
        ("revue", "builtin-tiny", "did you mean 'review'"),
        ("review", "builtin-tinny", "did you mean 'builtin-tiny'"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(
    task: str, backbone: str, said: str, adapter: tuple[Path, Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        import_prompt(adapter[0], str(tmp_path), task, backbone)
    assert not list(tmp_path.iterdir())
