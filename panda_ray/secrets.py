"""What must not be shown: user and password of a URI, and options of one that are called a secret."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = r"(?P<scheme>\b[A-Za-z][\w+.-]*://)"
_OPTION_NAME = r"(?P<name>[?&][\w-]*(?:pass|pwd|secret|token|key)[\w-]*=)"

# A password that was written by hand may hold `/`, `?`, `#` and `@`; where a URI stands alone, blanks and quotes, too.
_USER = re.compile(rf"{_SCHEME}(?P<user>[^\s'\"@/:?#]*:[^\s'\"]*|[^\s'\"@/?#]*)@")
_USER_ALONE = re.compile(rf"{_SCHEME}(?P<user>[^@/:?#]*:.*|[^@/?#]*)@", re.DOTALL)
_OPTION = re.compile(rf"{_OPTION_NAME}(?P<value>[^&#\s'\"]+)", re.IGNORECASE)
_OPTION_ALONE = re.compile(rf"{_OPTION_NAME}(?P<value>[^&#]+)", re.IGNORECASE)


def redacted(text: str, uri: str = "") -> str:
    """The text with the secrets of every URI hidden.

    Args:
        uri: whose secrets are hidden wherever the text has them, quoted or not.
    """
    for secret in _secrets(uri):
        text = text.replace(secret, HIDDEN).replace(unquote(secret), HIDDEN)
    return _hide(text, _USER, _OPTION)


def public(text: str) -> str:
    """One URI, alone or behind the name of an option, without its secrets."""
    return _hide(text, _USER_ALONE, _OPTION_ALONE)


def has_secret(uri: str) -> bool:
    """Whether a URI holds a password, or an option that is called a secret."""
    return bool(_secrets(uri))


def _hide(text: str, user: re.Pattern[str], option: re.Pattern[str]) -> str:
    if "://" not in text:
        return text
    return option.sub(rf"\g<name>{HIDDEN}", user.sub(rf"\g<scheme>{HIDDEN}@", text))


def _secrets(uri: str) -> list[str]:
    user = _USER_ALONE.search(uri)
    passwords = [user["user"].partition(":")[2]] if user else []
    return [secret for secret in (*passwords, *(found["value"] for found in _OPTION_ALONE.finditer(uri))) if secret]
