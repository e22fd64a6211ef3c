"""The command ``secretsource``. It uses the public API only."""

from __future__ import annotations

import click

from secretsource.cli._explain import explain
from secretsource.cli._get import get

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="secretsource", message="%(prog)s %(version)s")
def main() -> None:
    """Read secrets through the configured chain.

    The chain is what applications in this folder use: it comes from secretsource.toml, pyproject.toml and
    SECRETSOURCE_* variables. Without any, it is the environment and then .env files.

    Exit status: 0, or 1 not there, 2 usage, 3 configuration, 4 denied, 5 unavailable, 6 anything else.
    """


main.add_command(explain)
main.add_command(get)
