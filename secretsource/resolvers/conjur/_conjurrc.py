"""``.conjurrc``: what ``conjur init`` leaves, in the words of the Go and Ruby CLI or of the Python CLI.

It is YAML, of which the CLIs write one flat table. Only that is understood here; anything else in a key that counts is
refused and not guessed at.
"""

from __future__ import annotations

import os
import re

from secretsource._reference import shown
from secretsource._secret import MaskedBytes, MaskedStr
from secretsource.errors import ConfigError, ResolverError
from secretsource.resolvers._file import read_file
from secretsource.resolvers._trust import why_not_trusted
from secretsource.resolvers.conjur._cli_settings import NOTHING, Conjurrc

__all__ = ["read_conjurrc"]

_LIMIT = 64 * 1024
_KEYS = {
    "appliance_url": "url",
    "conjur_url": "url",
    "account": "account",
    "conjur_account": "account",
    "cert_file": "cert_file",
    "authn_type": "authn_type",
    "service_id": "service_id",
    "netrc_path": "netrc_path",
}
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ \t]+(.*))?", re.ASCII)
_SINGLE = re.compile(r"'((?:[^']|'')*)'(?:[ \t]+#.*)?")
_DOUBLE = re.compile(r'"([^"\\]*)"(?:[ \t]+#.*)?')
_PLAIN = re.compile(r"[^\s\[\]{}&*!|>%@`\"'#,?:-](?:[^#:]|:(?=\S)|(?<=\S)#)*")
_IGNORED = ("#", "---", "...")


def read_conjurrc() -> Conjurrc:
    """Return what the file that ``CONJURRC`` names says, else ``.conjurrc`` in the home directory; `NOTHING` without.

    A file in the working directory is not read: whoever wrote it would get the key.

    Raises:
        ConfigError: It cannot be read or trusted, or is no flat table.
    """
    named = os.environ.get("CONJURRC", "")
    path = os.path.expanduser(named or "~/.conjurrc")
    try:
        found = read_file(path, limit=_LIMIT)
        problem = ""
    except ResolverError as error:
        problem = error.detail
    if not problem and found is not None:
        problem = why_not_trusted(path, found[1], named=bool(named))
    if problem:
        raise ConfigError(problem)
    if found is None:
        if named:
            raise ConfigError(f"the variable CONJURRC names {shown(path)}, which is not there")
        return NOTHING
    table, wrong = _parsed(found[0])
    if wrong:
        raise ConfigError(f"{shown(path)}, line {wrong}: only 'key: value' is understood here")
    return Conjurrc(
        path=path, **{key: text if key == "url" else text.reveal() for key, text in table.items()}
    )


def _parsed(content: MaskedBytes) -> tuple[dict[str, MaskedStr], int]:
    """Return what counts, and the number of a line that is not understood, or 0. Raises nothing: lines are plain."""
    table: dict[str, MaskedStr] = {}
    counts = True  # whether what is indented below the last key belongs to a key that counts
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith(_IGNORED):
            continue
        pair = _PAIR.fullmatch(line.rstrip())
        if pair is None and not counts and line.startswith((" ", "\t", "-")):
            continue
        key = pair[1] if pair else ""
        counts = not pair or key in _KEYS
        value = _scalar((pair[2] or "").strip()) if pair and counts else ""
        if pair is None or value is None:
            return table, number
        if counts and value:
            table.setdefault(_KEYS[key], MaskedStr(value))
    return table, 0


def _scalar(text: str) -> str | None:
    """Return a value, empty for YAML's null, or `None` if it is more than the CLIs write."""
    if text in {"", "~", "null"} or text.startswith("#"):
        return ""
    if found := _SINGLE.fullmatch(text):
        return found[1].replace("''", "'")
    if found := _DOUBLE.fullmatch(text):
        return found[1]
    plain = text.partition(" #")[0].rstrip()
    return plain if _PLAIN.fullmatch(plain) else None
