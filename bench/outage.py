"""F. A backend that fails, or hangs, when a value gets old that may be served for some time more.

As in section E, ours is measured twice. `in use`: a reader came by when the refresh was due, so the store knows of the
outage before the value is past its ttl. `not read since`: the crowd is the first to ask.
"""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Mapping

from bench._crowd import CROWD, Rounds, crowd
from bench._crowd_peers import Peer
from bench._harness import FULL, Effort, Goal, Section, Table, number
from bench._servers import Canned, Servers
from bench.expiry import IN_USE, PAST_TTL, REFRESH_DUE, UNREAD, age, aging

TITLE = "F. An outage when a value gets old"
STALE_WAIT = 1.0  # seconds, the store's default
PATIENCE = 0.25  # seconds, of the clients of the peers; boto3's default is 60
_FAILING_AFTER = 0.02
_HANGS = 3600.0
# Seconds by which a failing attempt has failed, and a hanging one has lasted longer than STALE_WAIT.
_FAILED = 1.2
# Seconds by which a failing attempt in the background is over, and is counted for its own crowd.
_SETTLED = 0.5
_WAKING = 0.05  # of STALE_WAIT; it takes a moment to wake 64 threads


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    os.environ.update(servers.aws_environ(servers.canned.url))
    told = logging.getLogger("secretsource")  # of each outage
    told.addHandler(logging.NullHandler())
    told.propagate = False  # conjur_api sets up the root logger
    # With condition=, the readers wait for one another: 64 of them would wait for minutes in a quick run.
    hanging_size = CROWD if effort is FULL else 8
    failing = _crowds(servers, rounds=2 if effort is FULL else 1, size=CROWD, failing=True)
    hanging = _crowds(servers, rounds=1, size=hanging_size, failing=False)
    return Section(
        [
            _table("The backend answers 500 after 20 ms, the value may be served", failing),
            _table(f"The backend hangs, the value may be served (peers' timeout {PATIENCE} s)", hanging),
        ],
        [*_goals("answers 500", failing), *_goals("hangs", hanging)],
    )


def _crowds(servers: Servers, *, rounds: int, size: int, failing: bool) -> dict[str, Rounds]:
    makes = aging(servers.value, timeout=PATIENCE)
    found = {label: Rounds() for label in makes}
    for _ in range(rounds):
        servers.canned.order()
        # Each with a client of its own: boto3's budget for retries is spent by a crowd.
        made = {label: make() for label, make in makes.items()}
        for peer in made.values():
            peer.read()
        age(made, {IN_USE: REFRESH_DUE, UNREAD: PAST_TTL})
        for label, peer in made.items():
            _break(servers.canned, failing=failing)
            if label == IN_USE:
                _notice(peer)
            found[label].outcomes.append(crowd(peer.read, size))
            time.sleep(_SETTLED if failing else 0)
            found[label].requests.append(sum(_break(servers.canned, failing=failing).values()))
            peer.close()  # or it goes on trying, and counts for the next one
    servers.canned.order()
    return found


def _break(canned: Canned, *, failing: bool) -> dict[str, int]:
    return canned.order(delay=_FAILING_AFTER if failing else _HANGS, failing=failing).calls


def _notice(peer: Peer) -> None:
    """Let one reader come by when the refresh is due, then let the ttl pass."""
    assert peer.ahead is not None
    peer.read()
    time.sleep(_FAILED)
    peer.ahead(PAST_TTL - REFRESH_DUE)


def _table(title: str, found: Mapping[str, Rounds]) -> Table:
    columns = ["cache", "served", "told that it is old", "requests", "median, ms", "slowest, ms", "error"]
    table = Table(title, columns)
    for label, each in found.items():
        table.rows.append(
            [
                label,
                f"{each.served} of {each.size}",
                f"{each.stale} of {each.size}",
                f"{statistics.median(each.requests):.0f}",
                number(statistics.median(each.waits) * 1e3),
                number(max(each.waits) * 1e3),
                each.outcomes[-1].kinds,
            ]
        )
    return table


def _goals(what: str, found: Mapping[str, Rounds]) -> list[Goal]:
    both = [found[IN_USE], found[UNREAD]]
    served = min(each.served / each.size for each in both)
    told = min(each.stale / each.size for each in both)
    slowest = max(wait for each in both for wait in each.waits)
    return [
        Goal(f"outage, backend {what}: share of readers served", served, 1, least=True),
        Goal(f"outage, backend {what}: share of them told", told, 1, least=True),
        Goal(f"outage, backend {what}: slowest / stale_wait", slowest / STALE_WAIT, 1 + _WAKING),
    ]
