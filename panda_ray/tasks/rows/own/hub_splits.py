"""What a name of a data set on the Hub means now: its commit, its configuration, and the files of its splits.

`datasets` says which file belongs to which configuration and split, from the repository's README or the files' names;
no row is read and none is fetched for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.rows.declared_labels import first_line
from panda_ray.tasks.rows.hub import HubFiles, hub_problem
from panda_ray.tasks.rows.own.hub_files import SCHEME, place_of, unnamed, unpinned
from panda_ray.tasks.rows.own.own_files import FORMS

_NAME = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[\w.-]+|[A-Za-z0-9][\w-]*)"
    r"(:(?P<config>[^@#]+))?(@(?P<revision>[\w./-]+))?(#(?P<split>[\w.-]+))?"
)
_NUMBERED = re.compile(r"-\d{5}-of-(?=\d{5}[^/]*\.parquet$)")
_ASK_SECONDS = 30.0
_NAMED = 12
"""Configurations that a sentence names."""


@dataclass(frozen=True)
class HubSplits:
    """A configuration of a data set at a commit.

    Attributes:
        asked: the split that was named, if any.
        paths: of the files of each split.
        sizes: of every file of the repository, in bytes.
    """

    repository: str
    commit: str
    config: str
    asked: str | None
    paths: Mapping[str, Sequence[str]]
    sizes: Mapping[str, int]

    def place(self, split: str) -> str:
        """How a sweep file names the files of a split.

        Raises:
            InputError: they are of no form that is read, or several without a count in their names.
        """
        paths = self.paths[split]
        whose = f"{self.repository}, split {split!r}"
        suffixes = sorted({PurePosixPath(path).suffix.lower() for path in paths})
        if len(suffixes) != 1 or suffixes[0] not in FORMS:
            raise InputError(
                f"{whose}: is in files that end in {', '.join(suffixes)}, and read are {', '.join(FORMS)}; where the "
                f"Hub has made Parquet of it: {SCHEME}{self.repository}@refs/convert/parquet/CONFIG/SPLIT/0000.parquet"
            )
        return place_of(HubFiles(self.repository, self.commit, (_pattern(paths, whose),)))

    def megabytes(self, splits: Sequence[str]) -> float:
        """Size of the files of some splits, at least the smallest that is shown."""
        return max(0.1, sum(self.sizes.get(path, 0) for split in splits for path in self.paths[split]) / 1e6)


def is_name(data: str) -> bool:
    """Whether something that a person named may be a data set of the Hub: no file has that name, or it says so."""
    if Path(data).expanduser().exists() or PurePosixPath(data).suffix.lower() in FORMS:
        return False
    return _NAME.fullmatch(data) is not None


def repository_of(data: str) -> str:
    """The repository, and its configuration, that a name means, as far as it says so."""
    found = _NAME.fullmatch(data)
    assert found is not None, "a name"
    return found["repository"] + (f":{found['config']}" if found["config"] else "")


def is_open(data: str) -> bool:
    """Whether a name leaves commit and split to the Hub."""
    found = _NAME.fullmatch(data)
    return found is not None and found["revision"] is None and found["split"] is None


def splits_of(data: str) -> HubSplits:
    """Ask the Hub what a name means.

    Raises:
        InputError: the Hub cannot be reached, has no such data set, configuration or split, or it holds no rows.
    """
    found = _NAME.fullmatch(data)
    assert found is not None, "a name"
    said = f"there is no file or folder {data!r} (relative paths start at {Path.cwd()})"
    if (problem := hub_problem()) is not None:
        raise InputError(f"{said}, and whether the Hub has such a data set cannot be asked: {problem}")
    with _refusals(found["repository"], said):
        info = _info(found["repository"], found["revision"])
        config, paths = _of_config(info.id, info.sha, found["config"])
    if found["split"] and found["split"] not in paths:
        raise unknown_name("split", found["split"], paths, f"{info.id}, configuration {config}")
    sizes = {file.rfilename: file.size or 0 for file in info.siblings}
    return HubSplits(info.id, info.sha, config, found["split"], paths, sizes)


def at_its_commit(place: str) -> str:
    """A place with the commit that its branch or tag is at now; one with a commit is what it is, and nobody is asked.

    Raises:
        InputError: the Hub cannot be reached, or there is no such repository, revision or file.
    """
    files = unpinned(place)
    if not unnamed(place):
        return place
    if (problem := hub_problem()) is not None:
        raise InputError(f"{place}: which commit that is cannot be asked: {problem}")
    with _refusals(files.repository, f"{place} cannot be found"):
        info = _info(files.repository, files.revision)
    paths = [file.rfilename for file in info.siblings if fnmatch(file.rfilename, files.patterns[0])]
    if not paths:
        raise InputError(f"{place}: {files.repository} has no such file at {info.sha}")
    return place_of(HubFiles(files.repository, info.sha, (_pattern(sorted(paths), place),)))


def _info(repository: str, revision: str | None) -> Any:
    from huggingface_hub import HfApi

    return HfApi().dataset_info(repository, revision=revision, timeout=_ASK_SECONDS, files_metadata=True)


def _of_config(repository: str, commit: str, config: str | None) -> tuple[str, Mapping[str, Sequence[str]]]:
    """A configuration, and the paths of the files of each of its splits."""
    from datasets import get_dataset_config_names, get_dataset_default_config_name, load_dataset_builder

    names = get_dataset_config_names(repository, revision=commit)
    if config is not None and config not in names:
        raise unknown_name("configuration", config, names, repository)
    config = config or get_dataset_default_config_name(repository, revision=commit)
    if config is None:
        listed = ", ".join(sorted(names)[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        raise InputError(
            f"{repository} has {len(names)} configurations: {listed}; name one: {repository}:{sorted(names)[0]}"
        )
    with TemporaryDirectory() as cache:
        builder = load_dataset_builder(repository, config, revision=commit, cache_dir=cache)
    root = f"{SCHEME}{repository}@{commit}/"
    files = builder.config.data_files or {}
    return config, {str(split): [str(url).removeprefix(root) for url in urls] for split, urls in files.items()}


@contextmanager
def _refusals(repository: str, said: str) -> Iterator[None]:
    """What the Hub, or `datasets`, says instead of an answer, as one sentence."""
    from datasets.exceptions import DataFilesNotFoundError
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except InputError:
        raise
    except GatedRepoError as error:
        raise InputError(f"{repository}: its owner must let you in, on its page; then `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"{said}, and the Hub has no data set {repository!r} that you may read (what is yours needs "
            "`hf auth login`, or HF_TOKEN)"
        ) from error
    except RevisionNotFoundError as error:
        raise InputError(f"{repository} has no such branch, tag or commit: {first_line(error)}") from error
    except DataFilesNotFoundError as error:
        raise InputError(f"{repository}: the repository holds no files of rows that `datasets` knows") from error
    except Exception as error:  # of whatever the two libraries use
        raise InputError(f"{repository}: its files cannot be found on the Hub ({first_line(error)})") from error


def _pattern(paths: Sequence[str], whose: str) -> str:
    """One pattern for the files of a split, of which a download that was cut off cannot be taken for a whole one."""
    pattern, *others = {_NUMBERED.sub("-*-of-", path) if len(paths) > 1 else path for path in paths}
    if others or any(sign in pattern for sign in "?["):
        raise InputError(
            f"{whose}: is {len(paths)} files whose names do not count them ({paths[0]}, ...); download them (`hf "
            "download --repo-type dataset`) and name their folder"
        )
    return pattern
