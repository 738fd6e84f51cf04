"""Which backbones have a name, where their weights come from, and what identifies those weights in a key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from panda_ray.backbones.architectures import sizes_of_folder
from panda_ray.backbones.sizes import Sizes
from panda_ray.backbones.weights import Type, Weights, check_file, weight_files, weights_in
from panda_ray.errors import InputError
from panda_ray.registry import Registry
from panda_ray.tasks.caching import fetched
from panda_ray.tasks.rows.hub import hub_problem


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone that a sweep file may call by its name.

    Attributes:
        repository: on the Hub, or the name of a folder beside this module for a packaged model.
        revision: commit of the repository; None where no commit could be verified, then the branch's head is resolved
            when a sweep is planned and the resolved commit enters the key.
        parameters_million: size, for people.
        sizes: what planning counts operations with, also for models that are not on this disk.
        type: what its matrices are held in.
    """

    name: str
    repository: str
    revision: str | None
    parameters_million: float
    sizes: Sizes
    packaged: bool = False
    type: Type = "float32"


BACKBONES: Registry[BackboneSpec] = Registry(
    "backbone",
    (
        BackboneSpec("builtin-tiny", "builtin_tiny", None, 0.7, Sizes(3, 128, 512, 192), packaged=True),
        BackboneSpec(
            "bert-tiny",
            "google/bert_uncased_L-2_H-128_A-2",
            "30b0a37ccaaa32f332884b96992754e246e48c5f",
            4.4,
            Sizes(2, 128, 512),
        ),
        BackboneSpec("bert-small", "google/bert_uncased_L-4_H-512_A-8", None, 28.8, Sizes(4, 512, 2048)),
        BackboneSpec("bert-medium", "google/bert_uncased_L-8_H-512_A-8", None, 41.4, Sizes(8, 512, 2048)),
        BackboneSpec(
            "bert-base",
            "google-bert/bert-base-uncased",
            "86b5e0934494bd15c9632b12f734a8a67f723594",
            109.5,
            Sizes(12, 768, 3072),
        ),
        BackboneSpec(
            "bert-large",
            "google-bert/bert-large-uncased",
            "6da4b6a26a1877e173fca3225479512db81a5e5b",
            335.1,
            Sizes(24, 1024, 4096),
        ),
        BackboneSpec("bert-base-cased", "google-bert/bert-base-cased", None, 108.3, Sizes(12, 768, 3072)),
        BackboneSpec("bert-large-cased", "google-bert/bert-large-cased", None, 333.6, Sizes(24, 1024, 4096)),
        BackboneSpec(
            "roberta-base",
            "FacebookAI/roberta-base",
            "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
            124.6,
            Sizes(12, 768, 3072),
        ),
        BackboneSpec(
            "roberta-large",
            "FacebookAI/roberta-large",
            "722cf37b1afa9454edce342e7895e588b6ff1d59",
            355.4,
            Sizes(24, 1024, 4096),
        ),
        BackboneSpec(
            "deberta-v2-xlarge",
            "microsoft/deberta-v2-xlarge",
            None,
            884.6,
            Sizes(24, 1536, 6144, position_terms=2, relative_positions=511, convolution=3.0),
        ),
        BackboneSpec("opt-350m", "facebook/opt-350m", None, 331.2, Sizes(24, 1024, 4096, 2048)),
        # The Hub gives it to those who accepted Meta's licence; its head for words is not counted, for none is loaded.
        BackboneSpec(
            "llama2-7b",
            "meta-llama/Llama-2-7b-hf",
            None,
            6607.3,
            Sizes(32, 4096, 11008, 4096, gated=True),
            type="float16",
        ),
    ),
)


def get_backbone_spec(name: str) -> BackboneSpec:
    """The registered backbone of that name.

    Raises:
        InputError: for an unknown name.
    """
    return BACKBONES.get(name, where="give a `path` or a known name")


def backbone_identity(name: str, path: str | None = None) -> str:
    """What identifies the weights: `hub:<repository>@<commit>`, or `local:<sha256 of the model's files>`.

    Raises:
        InputError: for an unknown name, or a folder that holds no model or a damaged one.
    """
    folder = local_folder(name, path)
    if folder is not None:
        return f"local:{_hash_folder(name, folder)}"
    spec = get_backbone_spec(name)
    return f"hub:{spec.repository}@{spec.revision or _head(spec.name, spec.repository)}"


def backbone_sizes(name: str, path: str | None = None) -> Sizes:
    """Layers and widths of a backbone, without loading it.

    Raises:
        InputError: for an unknown name, or a folder that holds no model.
    """
    folder = local_folder(name, path)
    return get_backbone_spec(name).sizes if folder is None else sizes_of_folder(folder)


def backbone_weights(name: str, path: str | None = None) -> Weights:
    """How many weights a backbone has and in which type they are held, without loading it.

    Raises:
        InputError: for an unknown name, or a folder that holds no model.
    """
    folder = local_folder(name, path)
    if folder is not None:
        return weights_in(name, check_files(name, folder))
    spec = get_backbone_spec(name)
    return Weights(round(spec.parameters_million * 1e6), spec.type)


def model_location(name: str, path: str | None = None) -> str:
    """Where other programs load the backbone from: its local folder, or its repository on the Hub."""
    folder = local_folder(name, path)
    return str(folder) if folder is not None else get_backbone_spec(name).repository


def local_folder(name: str, path: str | None) -> Path | None:
    """The local folder of a backbone, or None for a model of the Hub."""
    if path is None:
        spec = get_backbone_spec(name)
        return Path(__file__).parent / spec.repository if spec.packaged else None
    folder = fetched.local_folder(path)
    if not (folder / "config.json").is_file() or not weight_files(name, folder):
        raise InputError(
            f"backbone {name!r}: {path} is not a model folder; it must hold config.json, "
            "model.safetensors (or pytorch_model.bin, or an index of shards) and a tokenizer"
        )
    return folder


def check_files(name: str, folder: Path) -> list[Path]:
    """The files of a local model's weights, which seem to be whole."""
    files = weight_files(name, folder)
    for file in files:
        check_file(name, file)
    return files


def _hash_folder(name: str, folder: Path) -> str:
    """sha256 over names and contents of what a model is loaded from; weights are looked at first."""
    total = hashlib.sha256()
    read = (folder.glob(pattern) for pattern in ("*.json", "*.txt", "*.model"))  # the last is of sentencepiece
    for file in sorted({*chain.from_iterable(read), *check_files(name, folder)}):
        seen = file.stat()
        total.update(f"{file.name}:{_hash_file(file, seen.st_size, seen.st_mtime_ns)}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=512)
def _hash_file(file: Path, _size: int, _changed: int) -> str:
    """sha256 of a file, read again only if its size or its time of change is another."""
    content = hashlib.sha256()
    with file.open("rb") as handle:
        while chunk := handle.read(1 << 22):
            content.update(chunk)
    return content.hexdigest()


@lru_cache(maxsize=32)
def _head(name: str, repository: str) -> str:
    """The commit at the head of a repository; without a connection, the one in the local cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    problem = hub_problem()
    try:
        config = hf_hub_download(repository, "config.json", local_files_only=problem is not None)
    except (HfHubHTTPError, LocalEntryNotFoundError, ConnectionError) as error:
        raise not_fetched(name, repository, problem or error) from error
    # The cache keeps .../snapshots/<commit>/config.json.
    return Path(config).parent.name


def not_fetched(name: str, repository: str, error: Exception | str) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(
        f"backbone {name!r}: {repository} could not be fetched from the Hugging Face Hub; connect once, or write "
        f"{{name: {name}, path: DIR}} with the folder of a copy ({reason})"
    )
