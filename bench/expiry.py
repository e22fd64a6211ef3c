"""E. When a value gets old: 64 threads at that moment, then readers that go on across it.

Two moments are told apart. Of a key in use, a reader comes by when a refresh is due and the value is still good: `in
use`. Of a key that nobody has read since, the value is past its ttl when the readers come: `not read since`. The peers
know the second one only. They keep values for two seconds here and are waited for; our store's clock is set ahead.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping

from bench._crowd import BLOCKED, CROWD, Rounds, crowd, percentile
from bench._crowd_peers import LONGEST_TTL, OURS, Make, Peer, ours, peers
from bench._harness import Effort, Goal, Section, Table, number
from bench._peers import present
from bench._servers import Canned, Servers
from bench._steady import Steady, steady

TITLE = "E. When a value gets old"
IN_USE = f"{OURS}, in use"
UNREAD = f"{OURS}, not read since"
TTL = 2  # seconds, of the peers
_BACKEND = 0.2
_SETTLED = _BACKEND * 1.75  # by then, what a crowd has set off in the background is over
# The refresh point is at 0.8 of the ttl, give or take a tenth.
REFRESH_DUE = 0.9 * LONGEST_TTL
PAST_TTL = 1.01 * LONGEST_TTL


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    os.environ.update(servers.aws_environ(servers.canned.url))
    rounds = 3 if effort.rounds > 5 else min(2, effort.rounds)
    crowds = _crowds(servers.canned, aging(servers.value), rounds)
    readers = _readers(servers, seconds=max(TTL + 0.3, effort.seconds(5.0)))
    waits, steady_ones = crowds[IN_USE].waits, readers[OURS]
    return Section(
        [_crowd_table(crowds), _steady_table(readers)],
        [
            Goal("expiry, in use: requests", max(crowds[IN_USE].requests), 1),
            Goal("expiry, in use: readers blocked", crowds[IN_USE].blocked, 0),
            Goal("expiry, in use: p99 / one backend call", percentile(waits, 0.99) / _BACKEND, 0.05),
            Goal("expiry, in use: slowest / one backend call", max(waits) / _BACKEND, 0.1),
            Goal("steady readers: reads blocked", steady_ones.blocked if steady_ones.requests else None, 0),
        ],
    )


def aging(value: str, *, timeout: float = 60.0) -> dict[str, Make]:
    """Return the caches, ours as the one of a key in use and as the one of a key that nobody has read since."""
    made = present(peers(value, ttl=TTL, timeout=timeout))
    del made[OURS]
    return {IN_USE: lambda: ours(value), UNREAD: lambda: ours(value), **made}


def age(made: Mapping[str, Peer], steps: Mapping[str, float]) -> None:
    """Let the values in all caches get old: set clocks ahead where *steps* says how far, wait for the others."""
    time.sleep(TTL + 0.05)
    for label, seconds in steps.items():
        ahead = made[label].ahead
        assert ahead is not None
        ahead(seconds)


# 64 threads


def _crowds(canned: Canned, makes: Mapping[str, Make], rounds: int) -> dict[str, Rounds]:
    made = {label: make() for label, make in makes.items()}
    found = {label: Rounds() for label in makes}
    for _ in range(rounds):
        canned.order()
        for peer in made.values():
            peer.read()
        age(made, {IN_USE: REFRESH_DUE, UNREAD: PAST_TTL})
        for label, peer in made.items():
            canned.order(delay=_BACKEND)
            found[label].outcomes.append(crowd(peer.read))
            time.sleep(_SETTLED)
            found[label].requests.append(sum(canned.order(delay=_BACKEND).calls.values()))
    canned.order()
    for peer in made.values():
        peer.close()
    return found


def _crowd_table(found: Mapping[str, Rounds]) -> Table:
    columns = [
        "cache",
        "requests",
        "readers blocked",
        "median, ms",
        "p99, ms",
        "slowest, ms",
        "p99 / one call",
    ]
    table = Table(f"{CROWD} threads as the value gets old, the backend answers after 200 ms", columns)
    for label, each in found.items():
        p99 = percentile(each.waits, 0.99)
        table.rows.append(
            [
                label,
                f"{statistics.median(each.requests):.0f}",
                f"{each.blocked / len(each.waits):.0%}",
                number(statistics.median(each.waits) * 1e3),
                number(p99 * 1e3),
                number(max(each.waits) * 1e3),
                number(p99 / _BACKEND),
            ]
        )
    return table


# Readers that go on


def _readers(servers: Servers, seconds: float) -> dict[str, Steady]:
    found: dict[str, Steady] = {}
    for label, make in present(peers(servers.value, ttl=TTL)).items():
        servers.canned.order()
        peer = make()
        found[label] = steady(servers.canned, peer, _BACKEND, seconds)
        peer.close()
    servers.canned.order()
    return found


def _steady_table(found: Mapping[str, Steady]) -> Table:
    columns = [
        "cache",
        "reads",
        "requests",
        "median, us",
        "p99, ms",
        "slowest, ms",
        "reads blocked",
        "seconds lost",
    ]
    table = Table(
        f"Eight readers across expiries, a ttl of {TTL} s, the backend answers after 200 ms", columns
    )
    for label, each in found.items():
        table.rows.append(
            [
                label,
                f"{len(each.waits):,}",
                str(each.requests),
                number(statistics.median(each.waits) * 1e6),
                number(percentile(each.waits, 0.99) * 1e3),
                number(max(each.waits) * 1e3),
                str(each.blocked),
                number(sum(wait for wait in each.waits if wait > BLOCKED)),
            ]
        )
    return table
