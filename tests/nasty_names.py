"""Names that class folders, pictures and studies of users have, and that break programs which take them for markup."""

from __future__ import annotations

import unicodedata

# Every name can be a file's on Linux; one row a kind.
NASTY_NAMES = (
    "[red]x",  # markup of rich
    ":smile:",  # emoji code of rich
    "a\nb",
    "\x1b[31mred",  # escape sequence of terminals
    "c1\x9b31m",  # the same, by a single character
    "$x_1$",  # mathematics of matplotlib
    "_hidden",  # no entry in a legend of matplotlib
    "<script>alert(1)</script>".replace("/", "\u2215"),
    "&amp;\"'<!--",
    "a|b*c*",  # table and emphasis of Markdown
    "null\u2029x",  # paragraph separator
    "\ufffe",  # no character, and not allowed in XML
    "gpj\u202e.exe",  # the rest is written from right to left
    "zero\u200bwidth",
    "\u00fcn\u00ef \u00e7\u00f6d\u00e9 \u6f22\u5b57",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family: three emoji, joined
    "'; rm -rf $HOME",
    "long " * 40,
    "-leading-dash",
    "{{ 7*7 }}",  # template
    "%s %d",
    "\udcff\udcfe",  # bytes that are no UTF-8
)

NASTY_PATH = "pics[/a].png"  # the end of a mark-up of rich that has no beginning


def raw_controls(text: str) -> set[str]:
    """The characters of `text` that steer, hide or break: all but line ends, and joiners, which emoji need."""
    hidden = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    return {each for each in text if unicodedata.category(each) in hidden and each not in "\n\u200d"}
