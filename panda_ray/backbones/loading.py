"""Loading a frozen backbone with transformers, from a folder or from the Hub."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.encoder import Architecture
from panda_ray.backbones.placing import place
from panda_ray.backbones.registry import backbone_identity, check_files, local_folder, not_fetched
from panda_ray.backbones.weights import check_loaded, unreadable, weights_in
from panda_ray.errors import InputError
from panda_ray.tasks.rows.hub import hub_problem


def load_backbone(
    name: str,
    path: str | None = None,
    device: torch.device | str | None = None,
    identity: str | None = None,
    *,
    activation_checkpointing: bool = False,
    gpus: int = 1,
) -> Backbone:
    """Load a frozen backbone, its matrices in the type of its checkpoint.

    Args:
        path: local model folder; otherwise `name` must be registered.
        device: the first CUDA devices if there are any, else the CPU, unless given.
        identity: as `backbone_identity` returned it; pins a Hub model to the commit that was planned.
        activation_checkpointing: see `Backbone`.
        gpus: to spread the layers over; fewer where there are not so many.

    Raises:
        InputError: for an unknown name, a folder that holds no model, an unknown architecture, or weights that
            are damaged or not all there.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder = local_folder(name, path)
    origin: dict[str, Any] = {}
    files: list[Path] = []
    problem = None
    if folder is not None:
        where = str(folder)
        files = check_files(name, folder)
    else:
        identity = identity or backbone_identity(name)
        where, origin["revision"] = identity.removeprefix("hub:").split("@")
        problem = hub_problem()
        origin["local_files_only"] = problem is not None
    try:
        with _quiet_transformers():
            config = AutoConfig.from_pretrained(where, **origin)
            architecture = ARCHITECTURES.get(config.model_type, where=f"backbone {name!r}")
            model, loading = AutoModel.from_pretrained(
                where,
                dtype=getattr(torch, weights_in(name, files or _hub_files(where, **origin)).type),
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are listed then, and refused below
                adapter_kwargs={"local_files_only": True},  # an adapter is looked for, and `origin` does not reach it
                **origin,
            )
            tokenizer = AutoTokenizer.from_pretrained(where, **origin)
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        if folder is None and isinstance(error, OSError):
            raise not_fetched(name, where, problem or error) from error
        raise unreadable(name, where, error) from error
    without_pooler = check_loaded(name, where, loading, architecture)
    devices = default_devices(gpus) if device is None else [torch.device(device)]
    place(name, model, architecture.encoder(model), architecture.geometry(config.to_dict()).layers, devices)
    return Backbone(
        name,
        model,
        tokenizer,
        architecture,
        without_pooler,
        activation_checkpointing=activation_checkpointing,
    )


def architecture_of(name: str, path: str | None, identity: str) -> Architecture:
    """The architecture of a backbone, of which only the configuration is read.

    Args:
        identity: as `backbone_identity` returned it.

    Raises:
        InputError: for a folder that holds no model, an unknown architecture, or a Hub that cannot be asked.
    """
    from transformers import AutoConfig

    folder = local_folder(name, path)
    where, _, revision = (str(folder), "", None) if folder else identity.removeprefix("hub:").partition("@")
    problem = None if folder else hub_problem()
    try:
        found = AutoConfig.from_pretrained(where, revision=revision, local_files_only=problem is not None)
        model_type = found.model_type
    except (OSError, ValueError) as error:
        raise (
            not_fetched(name, where, problem or error) if folder is None else unreadable(name, where, error)
        ) from error
    return ARCHITECTURES.get(model_type, where=f"backbone {name!r}")


def _hub_files(repository: str, revision: str, local_files_only: bool) -> list[Path]:
    """The safetensors files of a Hub model, fetched if they are not here; none where it has others alone."""
    from transformers.utils.hub import cached_file, get_checkpoint_shard_files

    def fetched(file: str) -> str | None:
        # What cannot be fetched is said by the load, which asks for the same files.
        quietly = {"missing_entries": False, "connection_errors": False, "gated_repo": False}
        said = {f"_raise_exceptions_for_{case}": raised for case, raised in quietly.items()}
        path: str | None = cached_file(repository, file, revision=revision, local_files_only=local_files_only, **said)
        return path

    if (whole := fetched("model.safetensors")) is not None:
        return [Path(whole)]
    if (index := fetched("model.safetensors.index.json")) is None:
        return []
    shards, _ = get_checkpoint_shard_files(  # type: ignore[no-untyped-call]
        repository, index, revision=revision, local_files_only=local_files_only
    )
    return [Path(shard) for shard in shards]


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No progress bars, and no report of the pre-training heads that a checkpoint holds and a backbone leaves out."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def default_devices(gpus: int) -> list[torch.device]:
    """So many CUDA devices from this process's own on, or fewer if it does not see as many; else the CPU.

    Workers of one training see each other's, and have been told with which theirs begin.
    """
    if gpus == 1 or torch.cuda.device_count() < 2:
        return [default_device()]
    own = torch.cuda.current_device()
    return [torch.device("cuda", index) for index in range(own, min(own + gpus, torch.cuda.device_count()))]


def default_device() -> torch.device:
    """The first CUDA device that this process sees, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
