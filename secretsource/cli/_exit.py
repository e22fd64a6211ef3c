"""How a command ends: one exit status for each kind of failure, and the message on standard error."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    MissingDependency,
    SecretNotFound,
    SecretSourceError,
)

__all__ = ["STATUSES", "fail", "status_of"]

STATUSES: tuple[tuple[type[SecretSourceError], int], ...] = (
    (SecretNotFound, 1),
    (InvalidReference, 2),
    (ConfigError, 3),
    (MissingDependency, 3),
    (AccessDenied, 4),
    (BackendUnavailable, 5),
    (SecretSourceError, 6),
)


def status_of(error: SecretSourceError) -> int:
    """Return the exit status that belongs to *error*."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def fail(error: SecretSourceError) -> NoReturn:
    """Tell *error* on standard error and end the process with its status."""
    click.echo(f"secretsource: {error}", err=True)
    sys.exit(status_of(error))
