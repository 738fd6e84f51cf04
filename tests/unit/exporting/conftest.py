"""A prompt per kind, trained once."""

from __future__ import annotations

import pytest

from panda_ray.sweep import Sweep
from support.sweeps.small_sweeps import one_per_kind, run_inline


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep that was run."""
    sweep = one_per_kind(tmp_path_factory.mktemp("kinds"))
    run_inline(sweep)
    return sweep
