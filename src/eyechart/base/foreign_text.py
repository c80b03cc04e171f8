"""How text from outside is shown: names of classes, pictures, folders, studies and weights, messages of libraries.

What can be printed stays as it is, in every script.  What would steer a terminal, break a line or a file, turn the
direction of writing or hide stands as a visible escape: \\n, \\x1b, \\u2029.  Records keep the exact text.
Names of files that the locale could not read are read as UTF-8; a byte that is not stands as \\xe9.
"""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

# Control, format, surrogate, unassigned; line and paragraph separators.  Spaces (Zs) can be printed.
HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
JOINERS = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")  # inside emoji and words of many scripts
UNREAD_BYTES = re.compile("[\udc80-\udcff]+")  # how Python keeps bytes of a name that its locale cannot read
MARKDOWN_SIGNS = re.compile(r"[\\*_`\[|~$]|<(?=[\w/!?])|^(?=[#>+-])")


def shown(text: str, most: int | None = None) -> str:
    """`text` with visible escapes, and with an ellipsis in its middle where it has more than `most` characters."""
    if not text.isprintable():
        text = UNREAD_BYTES.sub(_read_bytes, text)
        kept = {found.start() for found in JOINERS.finditer(text)}
        text = "".join(each if place in kept else _visible(each) for place, each in enumerate(text))
    if most is None or len(text) <= most:
        return text
    return text[: most // 2] + "…" + text[len(text) - (most - most // 2 - 1) :]


def shown_lines(text: str) -> str:
    """The same for text whose line ends are ours, or a library's own."""
    return "\n".join(map(shown, text.split("\n")))


def in_markdown(text: str) -> str:
    """`text`, shown, so that Markdown takes none of it for its own signs, in a sentence or in a table's cell."""
    return MARKDOWN_SIGNS.sub(lambda sign: "\\" + sign.group(), shown(text))


def as_markdown_code(text: str) -> str:
    """`text`, shown, as code in a cell of a Markdown table."""
    text = shown(text).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def address(path: str) -> str:
    """A relative path as a link; names that are no UTF-8 lead to the very bytes that the disk has."""
    return quote(os.fsencode(path))


def shell_command(words: Sequence[str]) -> str:
    """A line for a shell that gives exactly these words; every character of it can be seen."""
    return " ".join(map(_shell_word, words))


def path_word(path: object) -> str:
    """A path as an argument that no program takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in HIDDEN_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _read_bytes(found: re.Match[str]) -> str:
    return found.group().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _shell_word(word: str) -> str:
    """Quoted the POSIX way, or as $'...' of bash and zsh where a character of it cannot be seen."""
    if shown(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(map(_in_dollar_quotes, word)) + "'"


def _in_dollar_quotes(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    is_seen = _visible(character) == character
    return character if is_seen else "".join(map(partial(str.format, "\\x{:02x}"), os.fsencode(character)))
