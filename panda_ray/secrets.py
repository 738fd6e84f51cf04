"""What must not be shown: user and password of a URI, and options of one that are called a secret."""

from __future__ import annotations

import re

HIDDEN = "***"

_USER = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]*://)(?:[^\s'\"@/?#]*|[^\s'\"@/:?#]*:[^\s'\"]*)@")
"""What stands before the host. A password that was written by hand may hold `/`, `?`, `#` and `@`."""

_OPTION = re.compile(r"(?P<name>[?&][\w-]*(?:pass|pwd|secret|token|key)[\w-]*=)[^&#\s'\"]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text with every secret of a URI hidden."""
    if "://" not in text:
        return text
    return _OPTION.sub(rf"\g<name>{HIDDEN}", _USER.sub(rf"\g<scheme>{HIDDEN}@", text))
