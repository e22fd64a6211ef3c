"""``secretsource get NAME``: the bare value on standard output, and nothing else."""

from __future__ import annotations

import click

from secretsource import SecretSourceError
from secretsource.cli._exit import fail
from secretsource.cli._options import selects_store, store_of
from secretsource.cli._output import write

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
        value = store.get(name).value_bytes
    except SecretSourceError as error:
        problem = error
    else:
        write(value)
        return
    finally:
        store.close()
    fail(problem)
