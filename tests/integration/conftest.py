"""Stores that uninterrupted runs filled: what every interrupted run is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.small_sweeps import LONG, run_inline, small_sweep


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("quiet")
    run_inline(small_sweep(storage))
    return storage


@pytest.fixture(scope="session")
def quiet_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("quiet-long")
    run_inline(small_sweep(storage, training=LONG))
    return storage
