"""Names of files as text: the same text for the same file, whatever the locale of the process that meets it.

Python turns a name's bytes into text by the locale.  Bytes that do not fit become lone surrogates, which JSON cannot
hold, and another locale gives other letters.  So what is recorded, or handed to another process, is UTF-8's reading of
the bytes.  (Windows keeps names as text: there all of this changes nothing.)
"""

from __future__ import annotations

import os
import sys

from eyechart.base.errors import UsageError


def readable(name: str) -> str:
    """Any name as text that can be printed and stored; a byte that is not UTF-8 shows as \\xe9."""
    content = _content(name)
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    try:
        name.encode()
    except UnicodeEncodeError:
        return content.decode("utf-8", "backslashreplace")
    return name  # whole text: it was read before, or its locale and its name agree on another encoding


def recordable(name: str) -> str:
    """The name as a record keeps it, so that any process finds the file again by `on_disk`.

    Raises UsageError for a name that is not UTF-8: no record could tell it from others.
    """
    text = readable(name)
    if text.encode() != _content(name):
        raise UsageError(
            f"The name {text} is not UTF-8, and the records of a study must be able to name it. Expected a name in "
            f"UTF-8: rename it, or name a link to it (ln -s)."
        )
    return text


def on_disk(text: str) -> str:
    """The name, as this process opens it, of what a record calls `text`."""
    return os.fsdecode(text.encode("utf-8", sys.getfilesystemencodeerrors()))


def for_utf8_mode(name: str) -> str:
    """The name, as a Python process in UTF-8 mode opens it, of what this process calls `name`."""
    return _content(name).decode("utf-8", sys.getfilesystemencodeerrors())


def _content(name: str) -> bytes:
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:  # no name that this locale could have read: text, or a name with text behind it
        pass
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")
