"""Both runners, as parameters of a test."""

from __future__ import annotations

import pytest

RUNNERS = ["inline", pytest.param("ray", marks=[pytest.mark.cluster, pytest.mark.slow])]
