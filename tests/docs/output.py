"""Comparing what a page says is printed with what is printed."""

from __future__ import annotations

import re

__all__ = ["is_as_written"]

_TIME = re.compile(r"\d+\.\d+ ?(m?s)\b")


def is_as_written(written: str, printed: str) -> bool:
    """Whether *printed* is what the page shows: ``…`` is anything within a line; times and blanks may differ."""
    wanted, got = _lines(written), _lines(printed)
    return len(wanted) == len(got) and all(map(_is_line, wanted, got))


def _lines(text: str) -> list[str]:
    # The widths of columns follow the times in them.
    return [
        re.sub(r"-{2,}", "--", " ".join(_TIME.sub(r"… \1", line).split()))
        for line in text.strip().splitlines()
    ]


def _is_line(wanted: str, got: str) -> bool:
    return re.fullmatch(".*?".join(map(re.escape, wanted.split("…"))), got) is not None
