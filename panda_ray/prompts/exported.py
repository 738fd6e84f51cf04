"""What is said of an exported prompt beside its tensors: all that labels new rows with it, as `panda_ray.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from panda_ray.errors import InputError

SAID = "panda_ray.json"
_FORMAT = 1


@dataclass(frozen=True)
class ExportedPrompt:
    """One trained prompt, described.

    Attributes:
        task: its name.
        own: what the sweep said of a task whose rows are a user's own, without places of files; None for a task that
            is registered.
        task_kind, measure, labels: of the task; labels in the order of their codes.
        columns: that a row must have.
        backbone, identity: its name, and what identifies its weights.
        location: where its weights are: a repository, or a folder relative to this file; None for a packaged model.
        pooling: what the head reads of a row: `pooler`, `first`, `last`, or `tokens`.
        front: hidden states that PEFT gives before those of a row's own tokens.
        max_len: tokens per row at the most.
        score: on the dev rows, in percent, under `protocol`.
    """

    task: str
    own: dict[str, Any] | None
    task_kind: str
    measure: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    backbone: str
    identity: str
    location: str | None
    pooling: str
    front: int
    max_len: int
    prompt_len: int
    precision: Literal["fp32", "bf16"]
    method: str
    sources: tuple[str, ...]
    seed: int
    score: float
    protocol: str
    train_examples: int
    fingerprint: str
    key: str
    licence: str

    @property
    def repository(self) -> str | None:
        """On the Hub, for a backbone that comes from there."""
        return self.identity.removeprefix("hub:").partition("@")[0] if self.identity.startswith("hub:") else None

    def write(self, folder: Path) -> None:
        """Write it into an existing folder."""
        said = {"format": _FORMAT, **asdict(self)}
        (folder / SAID).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> ExportedPrompt:
        """The inverse of `write`.

        Raises:
            InputError: the folder holds no exported prompt, or one of another version.
        """
        path = folder / SAID
        if not path.is_file():
            raise InputError(f"{folder} holds no {SAID}; `panda-ray export` writes such a folder")
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            version = said.pop("format")
            if version != _FORMAT:
                raise InputError(f"{path}: has format {version!r}, this version reads {_FORMAT}; export it again")
            fields: dict[str, Any] = {key: tuple(val) if isinstance(val, list) else val for key, val in said.items()}
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: cannot be understood ({error}); export the prompt again") from error
