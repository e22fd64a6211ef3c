"""``secretsource explain NAME``: where each link looked, what it said and how long it took; never a value."""

from __future__ import annotations

import json
import sys

import click

from secretsource import Explanation, SecretSourceError, Step
from secretsource.cli._exit import fail, status_of
from secretsource.cli._json import not_asked_as_json, step_as_json
from secretsource.cli._options import selects_store, store_of
from secretsource.cli._output import write
from secretsource.cli._table import printable, table

__all__ = ["explain"]

_HEAD = ("", "link", "looked at", "said", "version", "took")


@click.command(short_help="Tell where a secret is looked for, and what each place said.")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@selects_store
def explain(name: str, as_json: bool, profile: str | None, config: str | None) -> None:
    """Ask every link of the chain for NAME and tell what it said; the value is never shown.

    The exit status is what `secretsource get NAME` would have.

    \b
    Examples:
      secretsource explain pepipost/api_key
      secretsource explain --json --profile prod db/primary/password
    """
    store = store_of(profile, config)
    try:
        explanation = store.explain(name)
    except SecretSourceError as error:
        problem = error
    else:
        write((_as_json(explanation) if as_json else _as_text(explanation)).encode(), line=True)
        sys.exit(0 if explanation.error is None else status_of(explanation.error))
    finally:
        store.close()
    fail(problem)


def _as_text(explanation: Explanation) -> str:
    rows = [_HEAD, *(_row(number, step) for number, step in enumerate(explanation.steps, 1))]
    rows += [("-", link, location, "not asked", "", "") for link, location in explanation.not_asked]
    return f"{printable(explanation.name)}\n\n{table(rows)}\n\n{_verdict(explanation)}"


def _row(number: int, step: Step) -> tuple[str, ...]:
    said = str(step.outcome) if step.reason is None else step.reason.text
    said += f" ({step.detail})" if step.detail else ""
    return (str(number), step.link, step.location, said, step.version or "", f"{step.seconds * 1000:.1f} ms")


def _verdict(explanation: Explanation) -> str:
    if explanation.error is None:
        return f"found by {explanation.steps[-1].link}"
    return f"no value: {type(explanation.error).__name__}"


def _as_json(explanation: Explanation) -> str:
    steps = [step_as_json(step) for step in explanation.steps]
    not_asked = not_asked_as_json(explanation.not_asked)
    error = None if explanation.error is None else type(explanation.error).__name__
    found = {"name": explanation.name, "steps": steps, "not_asked": not_asked, "error": error}
    return json.dumps(found, indent=2)
