"""The command ``secretsource``. It uses the public API only."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from secretsource.cli._check import check
from secretsource.cli._exit import INTERRUPTED
from secretsource.cli._explain import explain
from secretsource.cli._get import get

__all__ = ["main"]


@click.group("secretsource", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="secretsource", message="%(prog)s %(version)s")
def commands() -> None:
    """Read secrets through the configured chain.

    The chain is what applications in this folder use: it comes from secretsource.toml, pyproject.toml and
    SECRETSOURCE_* variables. Without any, it is the environment and then .env files.

    Exit status: 0, or 1 not there, 2 usage, 3 configuration, 4 denied, 5 unavailable, 6 anything else;
    of several, the highest. Ctrl-C is 130, a reader that has gone is 141.
    """


commands.add_command(check)
commands.add_command(explain)
commands.add_command(get)


def main() -> NoReturn:
    """Run the command line of this process, and end it."""
    try:
        commands.main(prog_name="secretsource", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(0)
