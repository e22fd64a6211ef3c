"""How a command ends: one exit status for each kind of failure, and the message on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NoReturn

import click

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    InvalidValue,
    MissingDependency,
    SecretNotFound,
    SecretSourceError,
)
from secretsource.cli._table import printable

__all__ = ["BROKEN_PIPE", "INTERRUPTED", "OTHER", "STATUSES", "fail", "say", "status_of", "worst"]

OTHER = 6
INTERRUPTED = 130  # as the shell says of a command that Ctrl-C ended; never 1, which means "not there"
BROKEN_PIPE = 141

STATUSES: tuple[tuple[type[SecretSourceError], int], ...] = (
    (SecretNotFound, 1),
    (InvalidReference, 2),
    (InvalidValue, 2),
    (ConfigError, 3),
    (MissingDependency, 3),
    (AccessDenied, 4),
    (BackendUnavailable, 5),
    (SecretSourceError, OTHER),
)


def status_of(error: SecretSourceError) -> int:
    """Return the exit status that belongs to *error*."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def worst(errors: Iterable[SecretSourceError]) -> int:
    """Return the exit status of a command that has met several errors, or none: the highest one."""
    return max(map(status_of, errors), default=0)


def fail(error: SecretSourceError) -> NoReturn:
    """Tell *error* on standard error and end the process with its status."""
    say(str(error))
    sys.exit(status_of(error))


def say(message: str) -> None:
    """Tell *message* on standard error, with whatever a terminal might obey escaped."""
    click.echo("\n".join(printable(line) for line in f"secretsource: {message}".split("\n")), err=True)
