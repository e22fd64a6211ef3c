"""``secretsource get NAME``: the bare value on standard output, and nothing else."""

from __future__ import annotations

import sys

import click

from secretsource import MaskedBytes, SecretSourceError
from secretsource.cli._exit import fail
from secretsource.cli._options import selects_store, store_of

__all__ = ["get"]


@click.command(short_help="Print the value of a secret.")
@click.argument("name")
@selects_store
def get(name: str, profile: str | None, config: str | None) -> None:
    """Print the value of NAME, and nothing else.

    Into a pipe or a file it is exact to the byte; on a terminal one newline is added.

    \b
    Examples:
      secretsource get pepipost/api_key
      secretsource get 'vault://kv/email/pepipost#api_key'
      secretsource get tls/key > key.pem
    """
    store = store_of(profile, config)
    try:
        _write(store.get(name).value_bytes)
    except SecretSourceError as error:
        problem = error
    else:
        return
    finally:
        store.close()
    fail(problem)


def _write(value: MaskedBytes) -> None:
    sys.stdout.buffer.write(value)
    if sys.stdout.isatty():
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
