"""Files that people write: UTF-8 text, or one sentence that says where it is not."""

from __future__ import annotations

import codecs
import re

from panda_ray.errors import InputError

LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line; Unicode's other line ends are text."""

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(content: bytes, name: str) -> str:
    """The text of a file, without a byte order mark at its beginning.

    Args:
        name: of the file, for messages.

    Raises:
        InputError: for another encoding, with the place of the first byte that tells it.
    """
    for mark, encoding in _OTHER_ENCODINGS:
        if content.startswith(mark):
            raise InputError(f"{name}: {encoding} text, not UTF-8; convert it with: iconv -f {encoding} -t UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # After a byte order mark the codec counts from behind it.
        at = error.start + (len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0)
        raise InputError(
            f"{name}:{_line(content, at)}: not UTF-8 text (byte {at} is 0x{content[at]:02x}); if it is Latin-1, "
            "convert it with: iconv -f LATIN1 -t UTF-8"
        ) from None
    if (nul := content.find(0)) >= 0:
        raise InputError(f"{name}:{_line(content, nul)}: not UTF-8 text (byte {nul} is NUL)")
    return text


def _line(content: bytes, at: int) -> int:
    return len(LINE_END.findall(content[:at].decode("latin-1"))) + 1
