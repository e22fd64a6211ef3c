"""What ten thousand processes ask of a backend, in a simulation: `make fleet`.

It prints three tables, the same each time; `docs/explanation/fleet.md` reads them. What is assumed stands in
`bench/_fleet_model.py`. An outage counts the requests that reach the backend or its load balancer, answered or not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench._crowd import percentile
from bench._fleet_model import AGENTS, OURS, POLICIES, Fleet, Load, Policy, simulate
from bench._harness import Table, number

Loads = Mapping[Policy, Load]


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers.

    Attributes:
        label: What the tables call it.
        limit: Calls a second: a published quota, or what was measured.
        logins: Whose logins count as well.
    """

    label: str
    limit: int
    logins: str = ""


# Quotas for each account and Region; that of single reads together with DescribeSecret.
AWS = Backend("AWS, GetSecretValue", 10_000)
AWS_BATCH = Backend("AWS, BatchGetSecretValue", 100)
# One OpenBao and one Conjur 1.24, each with eight clients on the same two cores: a measure, not a limit.
VAULT = Backend("Vault, one server", 4_000, "Vault")
CONJUR = Backend("Conjur, one server", 93, "Conjur")


def main(arguments: list[str] | None = None) -> int:
    """Simulate and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--processes", type=_one_or_more, metavar="N", default=Fleet().processes)
    parser.add_argument("--hosts", type=_one_or_more, metavar="N", default=Fleet().hosts)
    asked = parser.parse_args(arguments)
    fleet = replace(Fleet(), processes=asked.processes, hosts=asked.hosts)
    print(f"{fleet.processes:,} processes on {fleet.hosts:,} hosts, {fleet.names} names each\n")
    for table in tables(fleet):
        print(table)
    return 0


def _one_or_more(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def tables(fleet: Fleet) -> list[Table]:
    """Simulate every policy and return what came of it."""
    loads = {policy: simulate(policy, fleet) for policy in POLICIES}
    return [_rates(loads, fleet), _rotation(loads), _shares(loads, fleet)]


def phases(fleet: Fleet) -> dict[str, range]:
    """Return the seconds of each phase."""
    down, up, rotated = int(fleet.down_from), int(fleet.down_until), int(fleet.rotated_at)
    return {
        "start-up": range(60),
        "steady state": range(down - 1200, down),
        "outage": range(down, up),
        "recovery": range(up, up + 180),
        "rotation": range(rotated, rotated + 60),
    }


def peak(rate: Sequence[int], seconds: range) -> int:
    """Return the most calls in one of *seconds*."""
    return max(rate[second] for second in seconds)


def mean(rate: Sequence[int], seconds: range) -> float:
    """Return the calls a second over *seconds*."""
    return sum(rate[second] for second in seconds) / len(seconds)


def _rates(loads: Loads, fleet: Fleet) -> Table:
    table = Table("Calls a second: the highest second / the mean", ["phase", *(each.label for each in loads)])
    for phase, seconds in phases(fleet).items():
        cells = [
            f"{peak(load.calls, seconds):,} / {number(mean(load.calls, seconds))}" for load in loads.values()
        ]
        table.rows.append([phase, *cells])
    return table


def _rotation(loads: Loads) -> Table:
    table = Table(
        "Seconds after a rotation until a process uses the new value", ["policy", "half", "99 %", "all"]
    )
    for policy, load in loads.items():
        waits = list(load.noticed.values())
        table.rows.append(
            [policy.label, *(number(percentile(waits, share)) for share in (0.5, 0.99, 1.0))],
        )
    return table


def _shares(loads: Loads, fleet: Fleet) -> Table:
    seconds = phases(fleet)
    table = Table(
        "The highest second, logins included, in parts of what the backend answers in a second",
        ["backend", "a second", *seconds],
    )
    for policy, backends in ((OURS, (AWS, VAULT, CONJUR)), (AGENTS, (AWS, VAULT))):
        for backend in backends:
            rate = _with_logins(loads[policy], backend)
            cells = [number(peak(rate, each) / backend.limit) for each in seconds.values()]
            suffix = ", an agent on each host" if policy.agent else ""
            table.rows.append([backend.label + suffix, f"{backend.limit:,}", *cells])
    batches = peak(loads[OURS].starts, seconds["start-up"]) / AWS_BATCH.limit
    table.rows.append([f"{AWS_BATCH.label}, prefetch", f"{AWS_BATCH.limit:,}", number(batches), *[""] * 4])
    return table


def _with_logins(load: Load, backend: Backend) -> list[int]:
    logins = load.logins.get(backend.logins)
    return load.calls if logins is None else [sum(pair) for pair in zip(load.calls, logins, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
