"""A real browser without a screen: Debian's Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_DRIVER = shutil.which("chromedriver")
_BROWSER = shutil.which("chromium")

needs_browser = pytest.mark.skipif(
    _DRIVER is None or _BROWSER is None, reason="chromium and chromedriver are not installed"
)

_QUIET = ("disable-background-networking", "disable-component-update", "disable-sync", "no-first-run", "disable-quic")
"""Nothing but the page is asked for."""


@contextmanager
def browser(folder: Path, width: int = 1200, height: int = 900) -> Iterator[Chrome]:
    """A browser with an empty profile in `folder`, where it also saves files."""
    options = ChromeOptions()
    options.binary_location = str(_BROWSER)
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", *_QUIET):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={folder / 'profile'}")
    options.add_argument(f"--window-size={width},{height}")
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, Service(_DRIVER))
    driver.set_page_load_timeout(120)
    try:
        yield driver
    finally:
        driver.quit()
