"""What the README shows of a run: a table of picked figures, and sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from bench._harness import NOT_MEASURED, Table
from bench._memory_caches import OURS_MEMBER
from bench._page import end_of_table

SHORT = "| measured in one run |"
SENTENCES = "`import secretsource` takes "
_WIDTH = 120

# A row of the table: its words, the table and column it is from, and the row of each cache there.
_CACHES = (
    "secretsource",
    "powertools SecretsProvider",
    "aws-secretsmanager-caching",
    "cachetools @cached, lock",
    "cachetools @cached, condition",
)
_HITS = (
    "secretsource get_secret(name)",
    "powertools get_secret(max_age=)",
    "aws-secretsmanager-caching get_secret_string",
    "cachetools @cached(TTLCache, lock)",
    "cachetools @cached(TTLCache, condition)",
)
_OLD = ("secretsource, in use", *_CACHES[1:])
_MEMORY = (OURS_MEMBER, *_CACHES[1:3], *("cachetools TTLCache",) * 2)
PICKS = (
    ("a cached read, times the floor (a dictionary and a clock)", "One thread", "x floor", _HITS),
    ("with eight threads, of the rate with one", "Eight threads", "8 / 1", _HITS),
    ("requests for 64 threads and an empty cache", "The backend answers after", "requests", _CACHES),
    (
        "the same, while the backend fails (one reader alone: 3)",
        "The backend answers 500 after 20 ms",
        "requests",
        _CACHES,
    ),
    ("readers blocked as the value gets old", "64 threads as the value gets old", "readers blocked", _OLD),
    ("served while the backend fails", "The backend answers 500 after 20 ms, the value", "served", _OLD),
    (
        "bytes of memory for an entry (ours: a member of a document)",
        "Bytes for an entry",
        "filled, bytes/entry",
        _MEMORY,
    ),
)

# What the sentences tell, by the names of the goals.
IMPORT = "import secretsource / import boto3"
AWS = "miss, AWS, moto: secretsource / boto3 get_secret_value"
VAULT = "miss, OpenBao, KV v2: secretsource / hvac kv.v2.read_secret_version"
CONJUR = "miss, Conjur stand-in, verified TLS: secretsource / conjur_api sync mode, CA_BUNDLE"


def shortened(page: str, tables: Sequence[Table], goals: Table) -> str:
    """Return the README *page* with its table and the sentences below it made anew.

    Raises:
        LookupError: The page has no such table or sentences, or a figure for them was not measured.
    """
    lines = page.splitlines()
    start = _first(lines, SHORT)
    rows = [
        f"| {words} | {' | '.join(_picked(tables, title, column, labels))} |"
        for words, title, column, labels in PICKS
    ]
    lines[start + 2 : end_of_table(lines, start)] = rows
    start = _first(lines, SENTENCES)
    lines[start : lines.index("", start)] = textwrap.wrap(
        sentences(goals), _WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([*lines, ""])


def sentences(goals: Table) -> str:
    """Return what the README says of imports and reads that ask, and how many goals were reached.

    Raises:
        LookupError: One of the figures was not measured.
    """
    met = sum(reached == "ok" for *_, reached in goals.rows)
    return (
        f"{SENTENCES}{_figure(goals, IMPORT)} of the time of `import boto3`. A read that has to ask costs "
        f"{_figure(goals, AWS)} times a bare boto3 call on moto, {_figure(goals, VAULT)} times a bare hvac call on "
        f"OpenBao, and {_figure(goals, CONJUR)} of a conjur_api call. {met} of {len(goals.rows)} goals were reached."
    )


def _figure(goals: Table, goal: str) -> str:
    for what, _, measured, _ in goals.rows:
        if what == goal and measured != NOT_MEASURED:
            return measured
    raise LookupError(f"{goal!r} was not measured")


def _picked(tables: Sequence[Table], title: str, column: str, labels: Sequence[str]) -> list[str]:
    titled = sorted(
        (each for each in tables if each.title.startswith(title)), key=lambda each: len(each.title)
    )
    if not titled:
        raise LookupError(f"there is no table {title!r}")
    place = list(titled[0].columns).index(column)
    cells = {row[0]: row[place] for row in titled[0].rows}
    if lacking := [label for label in labels if label not in cells]:
        raise LookupError(f"the table {titled[0].title!r} has no row {lacking[0]!r}")
    return [cells[label] for label in labels]


def _first(lines: Sequence[str], words: str) -> int:
    """Return the first of *lines* that begins with *words*."""
    for at, line in enumerate(lines):
        if line.startswith(words):
            return at
    raise LookupError(f"the page has no line that begins with {words!r}")
