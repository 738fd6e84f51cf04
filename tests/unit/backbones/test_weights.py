"""Checkpoints that are whole in any form load with the same bits; those that are not are refused with one sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaModel, RobertaConfig, RobertaModel

from panda_ray.backbones import Backbone, backbone_identity, get_backbone_spec, load_backbone, registry
from panda_ray.errors import InputError
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.trainables.prefix import prefix_part
from support.trained.models import SIZES, random_tokens
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, members_of

PACKAGED = Path(registry.__file__).parent / "builtin_tiny"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 438\n"
Weights = dict[str, Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A local copy of the packaged backbone, whose tensors have `bert.` in front, with those of pre-training."""
    return Path(shutil.copytree(PACKAGED, tmp_path / "model"))


def weights() -> Weights:
    return load_file(PACKAGED / "model.safetensors")


def save(folder: Path, tensors: Weights) -> None:
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def save_shards(folder: Path, tensors: Weights) -> None:
    names, shards = sorted(tensors), ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    (folder / "model.safetensors").unlink(missing_ok=True)
    for place, shard in enumerate(shards):
        save_file({name: tensors[name] for name in names[place::2]}, folder / shard, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: shards[place % 2] for place, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def save_for_pytorch(folder: Path, tensors: Weights) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")


def load(folder: Path) -> Backbone:
    return load_backbone("mine", str(folder), device="cpu")


def state(backbone: Backbone) -> Weights:
    tensors: Weights = backbone._model.state_dict()
    return tensors


def assert_same_weights(one: Backbone, other: Backbone) -> None:
    assert state(one).keys() == state(other).keys()
    assert all(torch.equal(tensor, state(other)[name]) for name, tensor in state(one).items())


def without_prefix(tensors: Weights) -> Weights:
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


def without_heads(tensors: Weights) -> Weights:
    return {name: tensor for name, tensor in tensors.items() if name.startswith("bert.")}


def gamma_and_beta(tensors: Weights) -> Weights:
    """The names of TensorFlow, which old checkpoints have."""

    def old(name: str) -> str:
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    return {old(name): tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    "change", [without_heads, gamma_and_beta, lambda tensors: without_prefix(without_heads(tensors))]
)
def test_what_transformers_maps_is_the_same_model(change: Callable[[Weights], Weights], folder: Path) -> None:
    expected = load(folder)
    save(folder, change(weights()))
    assert_same_weights(load(folder), expected)


def test_shards_are_the_same_model(folder: Path) -> None:
    expected = load(folder)
    save_shards(folder, weights())
    assert_same_weights(load(folder), expected)


@pytest.mark.parametrize("save_them", [save, save_shards])
def test_a_checkpoint_in_one_narrow_type_is_held_in_it_and_any_other_in_float32(
    save_them: Callable[[Path, Weights], None], folder: Path
) -> None:
    for matrices, vectors, held in (
        (torch.bfloat16, torch.bfloat16, torch.bfloat16),
        (torch.float16, torch.float16, torch.float16),
        (torch.bfloat16, torch.float32, torch.float32),
        (torch.float16, torch.bfloat16, torch.float32),
        (torch.float64, torch.float64, torch.float32),
    ):
        save_them(folder, {key: each.to(matrices if each.dim() > 1 else vectors) for key, each in weights().items()})
        backbone = load(folder)
        assert state(backbone)["encoder.layer.1.output.dense.weight"].dtype == held
        assert state(backbone)["embeddings.word_embeddings.weight"].dtype == held
        assert state(backbone)["encoder.layer.1.output.dense.bias"].dtype == torch.float32


@pytest.mark.parametrize("save_them", [save, save_shards, save_for_pytorch])
def test_the_files_of_the_hub_say_the_type_as_those_of_a_folder_do(
    save_them: Callable[[Path, Weights], None], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    save_them(folder, {key: each.to(torch.bfloat16) for key, each in weights().items()})
    spec = get_backbone_spec("bert-tiny")
    snapshot = tmp_path / f"models--{spec.repository.replace('/', '--')}" / "snapshots" / str(spec.revision)
    shutil.copytree(folder, snapshot)
    held = state(load_backbone(spec.name, device="cpu"))["encoder.layer.1.output.dense.weight"].dtype
    assert held == (torch.bfloat16 if list(snapshot.glob("*.safetensors")) else torch.float32)
    assert_same_weights(load_backbone(spec.name, device="cpu"), load(folder))


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the kernel says nowhere what a process owns")
def test_shards_in_a_narrow_type_are_read_from_their_files_without_a_copy(folder: Path) -> None:
    config = LlamaConfig(hidden_size=512, intermediate_size=1024, num_hidden_layers=12, vocab_size=2000)
    with torch.device("meta"):
        model = LlamaModel(config).to(torch.bfloat16)
    (folder / "model.safetensors").unlink()
    model.to_empty(device="cpu").save_pretrained(folder, max_shard_size="20MB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    del model
    load(PACKAGED)  # what is imported for a first load counts for no model
    before = owned_bytes()
    backbone = load(folder)
    backbone.forward([random_tokens([4])], None, position_offset=True)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    assert size > 60e6
    assert owned_bytes() - before < 0.2 * size


def owned_bytes() -> int:
    """Memory of this process that belongs to no file."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


def test_a_checkpoint_of_pytorch_is_the_same_model_and_its_weights_are_in_its_identity(folder: Path) -> None:
    expected = load(folder)
    (folder / "model.safetensors").unlink()
    torch.save(weights(), folder / "pytorch_model.bin")
    assert_same_weights(load(folder), expected)
    before = backbone_identity("mine", str(folder))
    torch.save({name: 2 * tensor for name, tensor in weights().items()}, folder / "pytorch_model.bin")
    assert backbone_identity("mine", str(folder)) != before


@pytest.mark.parametrize("without_pooler", [False, True])
def test_two_loads_of_one_identity_have_the_same_bits_all_over(without_pooler: bool, folder: Path) -> None:
    if without_pooler:
        save(folder, {name: tensor for name, tensor in weights().items() if "pooler" not in name})
    one, other = load(folder), load(folder)
    assert_same_weights(one, other)
    assert any("pooler" in name for name in state(one)) != without_pooler


Case = tuple[Callable[[Weights], Weights], int, str, str]
LACKING: dict[str, Case] = {
    "another prefix": (
        lambda tensors: {f"student.{name}": tensor for name, tensor in tensors.items()},
        55,
        "embeddings.LayerNorm.bias, embeddings.LayerNorm.weight, embeddings.position_embeddings.weight, ...",
        "student.bert.embeddings.LayerNorm.bias",
    ),
    "a layer gone": (
        lambda tensors: {name: tensor for name, tensor in tensors.items() if ".layer.1." not in name},
        16,
        "encoder.layer.1.attention.output.LayerNorm.bias",
        "",
    ),
    "one tensor gone": (
        lambda tensors: {name: tensor for name, tensor in tensors.items() if "layer.2.output.dense.bias" not in name},
        1,
        "1 tensor (encoder.layer.2.output.dense.bias)",
        "",
    ),
}


@pytest.mark.parametrize("case", LACKING)
@pytest.mark.parametrize("save_them", [save, save_shards])
def test_tensors_that_are_not_there_are_counted_and_named(
    case: str, save_them: Callable[[Path, Weights], None], folder: Path
) -> None:
    change, count, names, instead = LACKING[case]
    save_them(folder, change(weights()))
    with pytest.raises(InputError) as refused:
        load(folder)
    sentence = str(refused.value)
    assert f"'mine': {folder} lacks {count} tensor" in sentence
    assert names in sentence
    assert instead in sentence


def test_a_configuration_of_more_layers_than_the_checkpoint_has_is_refused(folder: Path) -> None:
    change_config(folder, num_hidden_layers=4)
    with pytest.raises(InputError, match=r"lacks 16 tensors \(encoder\.layer\.3\.attention"):
        load(folder)


def test_tensors_of_another_shape_are_named_with_both_shapes(folder: Path) -> None:
    change_config(folder, intermediate_size=500)
    with pytest.raises(
        InputError, match=r"shape of encoder\.layer\.0\.\S+ is \(512,\), but config\.json asks for \(500"
    ):
        load(folder)


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def test_without_a_pooler_tasks_that_read_every_token_train_and_others_are_refused_before_a_step(folder: Path) -> None:
    save(folder, {name: tensor for name, tensor in weights().items() if "pooler" not in name})
    backbone = load(folder)
    prefix = random_prefixes(backbone, 1)
    config = replace(CONFIG, epochs=1)
    tagging = replace(members_of("tagging", 1)[0], start=prefix_part(prefix[0]))
    [result] = train_stack(backbone, toy_task("tagging"), [tagging], config)
    assert result.artifact is not None
    saved: list[bytes] = []
    sentence = (
        rf"{re.escape(str(folder))} lacks 2 tensors \(pooler\.dense\.bias, pooler\.dense\.weight\), which the heads"
    )
    with pytest.raises(InputError, match=sentence):
        train_stack(backbone, toy_task("classification"), [tagging], config, on_epoch=lambda _: saved.append(b""))
    assert not saved


def test_an_architecture_that_reads_the_first_hidden_state_needs_no_pooler(folder: Path) -> None:
    model = RobertaModel(RobertaConfig(**SIZES, type_vocab_size=1, pad_token_id=1), add_pooling_layer=False)
    model.save_pretrained(folder)
    backbone = load(folder)
    assert_same_weights(backbone, load(folder))
    [features] = backbone.forward([random_tokens([4, 6])], None, position_offset=True)
    assert torch.equal(features.pooled_RD, features.hidden_RTD[:, 0])


def truncated(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def without_a_shard(folder: Path) -> None:
    save_shards(folder, weights())
    (folder / "model-00002-of-00002.safetensors").unlink()


def shard_without_a_tensor(folder: Path) -> None:
    """It lacks what the index says it has."""
    save_shards(folder, weights())
    shard = folder / "model-00002-of-00002.safetensors"
    tensors = load_file(shard)
    tensors.pop(next(name for name in sorted(tensors) if "layer.1." in name))
    save_file(tensors, shard, metadata={"format": "pt"})


def shard_of_another_model(folder: Path) -> None:
    save_shards(folder, weights())
    shard = folder / "model-00002-of-00002.safetensors"
    save_file({name: each[:5].clone() for name, each in load_file(shard).items()}, shard, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (shard_without_a_tensor, r"lacks 1 tensor \(encoder\.layer\.1\."),
        (shard_of_another_model, r"the shape of \S+ is \(5.*; configuration and weights are of different models"),
    ],
)
def test_shards_that_do_not_hold_what_their_index_says_are_refused_in_one_sentence(
    change: Callable[[Path], None], sentence: str, folder: Path
) -> None:
    change(folder)
    with pytest.raises(InputError, match=sentence) as refused:
        load(folder)
    assert "\n" not in str(refused.value)


def pointer_as_shard(folder: Path) -> None:
    save_shards(folder, weights())
    (folder / "model-00002-of-00002.safetensors").write_text(POINTER)


def broken_index(folder: Path) -> None:
    save_shards(folder, weights())
    (folder / "model.safetensors.index.json").write_text('{"weight_map": [')


def pointer_of_pytorch(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_text(POINTER)


DAMAGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "truncated": (truncated, r"model\.safetensors has [\d,]+ bytes instead of [\d,]+; copy or download it again"),
    "nothing but the start of a header": (
        lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:60]),
        r"\(60 bytes\) is not a safetensors file",
    ),
    "empty": (lambda folder: (folder / "model.safetensors").write_bytes(b""), r"\(0 bytes\) is not a safetensors file"),
    "a web page": (
        lambda folder: (folder / "model.safetensors").write_text("<!doctype html><title>404</title>"),
        "is not a safetensors file",
    ),
    "a header of another kind": (
        lambda folder: (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"[]"),
        "is not a safetensors file",
    ),
    "a pointer": (
        lambda folder: (folder / "model.safetensors").write_text(POINTER),
        r"model\.safetensors is a pointer of Git LFS, not the weights; run `git lfs pull`",
    ),
    "a pointer of PyTorch": (pointer_of_pytorch, r"pytorch_model\.bin is a pointer of Git LFS"),
    "a pointer as shard": (pointer_as_shard, r"model-00002-of-00002\.safetensors is a pointer of Git LFS"),
    "a shard gone": (without_a_shard, r"lacks 1 of 2 shards .* \(model-00002-of-00002\.safetensors\)"),
    "a broken index": (broken_index, "is not an index of shards"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "is not a model folder"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_files_are_refused_when_a_sweep_is_planned_and_when_a_model_is_loaded(
    damage: str, folder: Path
) -> None:
    change, sentence = DAMAGED[damage]
    backbone_identity("mine", str(folder))
    change(folder)
    for ask in (lambda: backbone_identity("mine", str(folder)), lambda: load(folder)):
        with pytest.raises(InputError, match=sentence) as refused:
            ask()
        assert str(folder) in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"PK\x03\x04 truncated archive", b"", b"\x80\x02nothing"])
def test_a_checkpoint_of_pytorch_that_cannot_be_read_is_one_sentence(content: bytes, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(InputError, match="cannot be loaded") as refused:
        load(folder)
    assert "\n" not in str(refused.value)


def test_files_that_are_not_loaded_are_not_looked_at(folder: Path) -> None:
    expected = load(folder)
    (folder / "pytorch_model.bin").write_text(POINTER)
    (folder / "pytorch_model.bin.index.json").write_text("{}")
    assert_same_weights(load(folder), expected)


def test_a_change_within_one_process_is_seen(folder: Path) -> None:
    before = backbone_identity("mine", str(folder))
    save(folder, {name: tensor + 1 for name, tensor in weights().items()})
    assert backbone_identity("mine", str(folder)) != before
