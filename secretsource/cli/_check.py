"""``secretsource check``: whether every link answers, as whom, and every name with it; never a value."""

from __future__ import annotations

import json
import math
import sys

import click

from secretsource import Check, LinkCheck, NameCheck, SecretSourceError
from secretsource.cli._exit import fail, worst
from secretsource.cli._json import check_as_json
from secretsource.cli._options import selects_store, store_of
from secretsource.cli._output import write
from secretsource.cli._problems import problems
from secretsource.cli._table import WIDTH, table
from secretsource.cli._words import ago, duration, said_by

__all__ = ["check"]

_LINKS = ("link", "said", "identity", "until", "detail", "took")
_NAMES = ("name", "said", "link", "looked at", "version", "created")
_NO_NAMES = "no names: the configuration tells of none, and none was given"


def _seconds(_context: click.Context, _option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        raise click.BadParameter("give a number of seconds, 0 or more")
    return seconds


@click.command(short_help="Check every link and name, and tell what is missing.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--no-names", is_flag=True, help="Check the links alone; no secret is read.")
@click.option(
    "--timeout", metavar="SECONDS", type=float, callback=_seconds, help="Wait so long for all of it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@selects_store
def check(
    *,
    names: tuple[str, ...],
    no_names: bool,
    timeout: float | None,
    as_json: bool,
    profile: str | None,
    config: str | None,
) -> None:
    """Ask every link of the chain whether it answers, as whom and until when, and the chain for each NAME.

    Without NAME, for the names that the configuration has in its tables of [secrets]. Everything is asked anew and at
    the same time; a value is never shown. What is denied comes with the policy that would allow it.

    The exit status is the highest that anything has, and 0 if all is well.

    \b
    Examples:
      secretsource check
      secretsource check --profile prod pepipost/api_key
      secretsource check --no-names --timeout 2
    """
    if no_names and names:
        raise click.UsageError("give names, or --no-names")
    store = store_of(profile, config)
    try:
        found = store.check(() if no_names else names or None, timeout=timeout)
    except SecretSourceError as error:
        problem = error
    else:
        status = worst(found.errors)
        told = json.dumps(check_as_json(found, status), indent=2) if as_json else _as_text(found, no_names)
        write(told.encode(), line=True)
        sys.exit(status)
    finally:
        store.close()
    fail(problem)


def _as_text(found: Check, no_names: bool) -> str:
    parts = [table([_LINKS, *map(_link, found.links)], width=WIDTH)]
    if found.names:
        parts.append(table([_NAMES, *map(_name, found.names)], width=WIDTH))
    elif not no_names:
        parts.append(_NO_NAMES)
    return "\n\n".join(parts + problems(found))


def _link(link: LinkCheck) -> tuple[str, ...]:
    if link.error is not None:
        return (link.link, said_by(link.error), "", "", "", _took(link))
    if link.health is None:
        return (link.link, "no check", "", "", "asked for names only", "")
    health = link.health
    until = "" if health.expires_in is None else f"in {duration(health.expires_in)}"
    return (link.link, "ok", health.identity, until, health.detail, _took(link))


def _took(link: LinkCheck) -> str:
    return f"{link.seconds * 1000:.1f} ms"


def _name(name: NameCheck) -> tuple[str, ...]:
    found = name.found
    if found is None:
        said = said_by(name.error) if name.error is not None else ""
        return (name.name, said + (" (optional)" if name.is_good else ""), "", "", "", "")
    said = "found" if name.lease is None else f"found, lent for {duration(name.lease)}"
    created = "" if name.created is None else ago(name.created)
    return (name.name, said, found.link, found.location, found.version or "", created)
