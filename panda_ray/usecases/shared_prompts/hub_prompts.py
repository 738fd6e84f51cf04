"""A push of prompts to the Hugging Face Hub: one commit of a store, and of PEFT adapters with cards for everybody else.

The store is in `units/`, the adapters are in `adapters/TASK/BACKBONE/seed-N-KEY`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.foreign_text import markdown_text
from panda_ray.sweep import Sweep
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.exporting.export import export_prompt
from panda_ray.usecases.shared_prompts.hub_places import CARD, SCHEME, UNITS, fetched_folder, hub_place, hub_refusals
from panda_ray.usecases.shared_prompts.kept import KeptPrompt, prompts_in, push_prompts

_ADAPTERS = "adapters"
_TAGS = "tags: [prompt-tuning, panda-ray]"
"""By which a card is known as one that was made here."""


def push_to_hub(sweep: Sweep, url: str, tasks: Collection[str] = ()) -> tuple[list[KeptPrompt], str | None]:
    """Bring the finished source prompts of a sweep into a repository, made if need be; what is there stays.

    Args:
        tasks: only their prompts; those of every source unless given.

    Returns:
        What was pushed, and the commit to read it at; None where nothing was.

    Raises:
        InputError: as `push_prompts` and `export_prompt`; the Hub refuses or cannot be reached.
    """
    check_engine("a push to the Hub, which exports prompts,")
    from huggingface_hub import HfApi

    place = hub_place(url)
    if place.revision is not None:
        raise InputError(f"{url}: prompts are pushed to the head of a repository; leave out @{place.revision}")
    api = HfApi()
    with hub_refusals(url):
        # First, for whoever may not write there hears of it before anything is exported.
        is_new = not api.repo_exists(place.repository)
        if is_new:
            api.create_repo(place.repository)
    before = None if is_new else fetched_folder(url)
    there = prompts_in(str(before)) if before is not None and (before / UNITS).is_dir() else []
    with TemporaryDirectory() as name:
        pushed = push_prompts(sweep, name, tasks)
        new = _without(pushed, {each.key for each in there}, Store(name))
        if not new:
            return [], None
        for each in new:
            folder = Path(name, _adapter(each))
            folder.parent.mkdir(parents=True, exist_ok=True)
            export_prompt(sweep, each.key, folder)
        if before is None or _has_our_card(before):
            Path(name, CARD).write_text(_card(place.repository, [*there, *new]), encoding="utf-8")
        with hub_refusals(url):
            commit = api.upload_folder(
                repo_id=place.repository,
                folder_path=name,
                allow_patterns=[f"{UNITS}/**", f"{_ADAPTERS}/**", CARD],
                commit_message=f"Add {len(new)} prompts of the sweep {sweep.name}",
            )
    return new, str(commit.oid)


def _without(pushed: Sequence[KeptPrompt], keys: Collection[str], store: Store) -> list[KeptPrompt]:
    """Those that the repository lacks; the others leave the store that is to be uploaded."""
    for each in pushed:
        if each.key in keys:
            store.remove(each.key)
    return [each for each in pushed if each.key not in keys]


def _has_our_card(folder: Path) -> bool:
    """Whether a repository has no card but ours: one that somebody wrote stays as it is."""
    card = folder / CARD
    return not card.is_file() or _TAGS in card.read_text(encoding="utf-8", errors="replace").splitlines()


def _adapter(prompt: KeptPrompt) -> str:
    return f"{_ADAPTERS}/{prompt.task}/{prompt.backbone}/seed-{prompt.seed}-{prompt.key[:8]}"


def _card(repository: str, prompts: Sequence[KeptPrompt]) -> str:
    """Of the repository, as Markdown with the header that the Hub reads."""
    rows = [
        f"| {markdown_text(each.task)} | {markdown_text(each.backbone)} | {each.seed} "
        f"| {each.measure} {each.score:.1f} | `{_adapter(each)}` |"
        for each in prompts
    ]
    lines = [
        "---",
        "library_name: peft",
        "license: other",
        _TAGS,
        "---",
        "",
        "# Source prompts",
        "",
        "| task | backbone | seed | score | adapter |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        "Each adapter has a card with its data, its licence and how to load it.",
        "",
        "A sweep of panda_ray takes them as its source prompts, so that they are not trained again, with",
        "",
        f"    prompts: {SCHEME}{repository}",
        "",
    ]
    return "\n".join(lines)
