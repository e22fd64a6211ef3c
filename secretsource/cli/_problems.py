"""What is wrong, one block for each kind of it, with what to do, and the policies that are missing."""

from __future__ import annotations

import errno
import os
import textwrap
from collections.abc import Iterator

from secretsource import Check, LinkCheck, NameCheck, Reason, ResolverError, SecretNotFound
from secretsource.cli._table import WIDTH, printable
from secretsource.cli._words import ADVICE, said_by

__all__ = ["problems"]

_LOAD = "load the policy below, or check the login"
_LOGIN_FIRST = "check the login first, as it was refused too; if it is good, load the policy below"
_LOGIN = "check the login: its credential is wrong, over or used up, or may not be used from here"
_READABLE = "let the user that this runs as read the file"
_HIDDEN = "; if it is there and hidden, load the policy below"


class _Trouble:
    """What one link said for one reason: of itself, and of names."""

    def __init__(self, link: str, said: str) -> None:
        self.head = f"{link}: {said}"
        self.detail = ""
        self.names: list[str] = []
        self.advice = ""

    def add(self, name: NameCheck, error: ResolverError) -> None:
        """Add a name; what its step says of the place is told, as an error may be another field's too."""
        places = [step.location for step in name.steps if step.link == error.resolver]
        place = f" at {places[-1]}" if places else ""
        detail = "" if error.detail == self.detail else _in_parentheses(error.detail)
        self.names.append(f"  {name.name}{place}{detail}")

    def block(self) -> str:
        return _block([self.head + _in_parentheses(self.detail), *self.names], self.advice)


def problems(check: Check) -> list[str]:
    """Return the blocks of text that follow the tables; none if all is well."""
    bad = [name for name in check.names if not name.is_good]
    blocks = [*_of_links(check.links, bad), *_not_there(check.links, bad), *_of_settings(bad)]
    return blocks + [_policy(link) for link in check.links if link.policy]


def _of_links(links: tuple[LinkCheck, ...], bad: list[NameCheck]) -> Iterator[str]:
    """Tell what each link said of itself, and of names, once for each reason."""
    mendable = {link.link: _LOGIN_FIRST if _is_denied(link.error) else _LOAD for link in links if link.policy}
    troubles: dict[tuple[str, str], _Trouble] = {}
    for link in links:
        if (error := link.error) is not None:
            told = troubles[link.link, said_by(error)] = _Trouble(link.link, said_by(error))
            told.detail = error.detail if isinstance(error, ResolverError) else str(error)
            if isinstance(error, ResolverError):
                told.advice = _of_file(error) or (
                    _LOGIN if error.reason is Reason.DENIED else ADVICE[error.reason]
                )
    for name in bad:
        if isinstance(error := name.error, ResolverError):
            new = _Trouble(error.resolver, said_by(error))
            told = troubles.setdefault((error.resolver, said_by(error)), new)
            told.add(name, error)
            by_policy = mendable.get(error.resolver) if _is_denied(error) else None
            told.advice = by_policy or told.advice or _of_file(error) or ADVICE[error.reason]
    return (told.block() for told in troubles.values())


def _is_denied(error: object) -> bool:
    return isinstance(error, ResolverError) and error.reason is Reason.DENIED


def _of_file(error: ResolverError) -> str:
    """Return what to do where it was this machine that denied a file; no login and no policy helps."""
    return _READABLE if error.detail.endswith(os.strerror(errno.EACCES)) else ""


def _not_there(links: tuple[LinkCheck, ...], bad: list[NameCheck]) -> Iterator[str]:
    """Tell of every name where it was looked for."""
    names = [name for name in bad if isinstance(name.error, SecretNotFound)]
    if not names:
        return
    lines = [Reason.MISSING.text]
    for name in names:
        lines.append(f"  {name.name}")
        lines += [f"    {step}" for step in name.steps] or ["    the chain is empty"]
    reasons = dict.fromkeys(step.reason for name in names for step in name.steps)
    known = [each for each in (Reason.DELETED, Reason.FIELD) if each in reasons]
    may_be_hidden = {name for link in links if link.policy for name in link.policy_names}
    advice = "; or ".join(ADVICE[each] for each in (*known, Reason.MISSING))
    yield _block(lines, advice + (_HIDDEN if may_be_hidden & {name.name for name in names} else ""))


def _of_settings(bad: list[NameCheck]) -> Iterator[str]:
    """Tell what is configured wrongly, once for all names that wait for it."""
    names: dict[str, list[str]] = {}
    for name in bad:
        if name.error is not None and not isinstance(name.error, ResolverError | SecretNotFound):
            said = f"{said_by(name.error)}{_in_parentheses(str(name.error))}"
            names.setdefault(said, []).append(name.name)
    for said, those in names.items():
        yield _block([f"{', '.join(those)}: {said}"], "")


def _policy(link: LinkCheck) -> str:
    head = _block([f"policy for {link.link}, to read {', '.join(link.policy_names)}:"], "")
    lines = [printable(line) for line in link.policy.strip("\n").expandtabs(4).split("\n")]
    return "\n".join([head, "", *lines])


def _block(lines: list[str], advice: str) -> str:
    told = [*lines, *([f"  do: {advice}"] if advice else [])]
    return "\n".join(_wrapped(printable(line)) for line in told)


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return "\n".join(
        textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    )


def _in_parentheses(detail: str) -> str:
    return f" ({detail})" if detail else ""
