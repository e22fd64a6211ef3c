"""D. A crowd: 64 threads ask at once for what is not cached, from a slow backend and from one that fails."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench._crowd import CROWD, crowd
from bench._crowd_peers import OURS, Make, Peer, bare_fetch, peers
from bench._harness import Effort, Goal, Section, Table, number
from bench._peers import present
from bench._servers import Canned, Servers

TITLE = "D. A crowd of 64 threads, nothing cached"
BARE = "boto3, one caller"
_SLOW = 0.2
_FAILING_AFTER = 0.02


@dataclass(slots=True)
class Crowds:
    """What crowds of one peer came to, a number for each round.

    Attributes:
        requests: Requests at the backend.
        median: Seconds of the median caller.
        slowest: Seconds of the slowest caller.
        asking: Seconds from the first request at the backend to its last answer.
        which: The operations of the last round, or its errors.
    """

    requests: list[float] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)
    which: str = ""


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    os.environ.update(servers.aws_environ(servers.canned.url))
    makes = present(peers(servers.value))
    rounds = 5 if effort.rounds > 5 else min(2, effort.rounds)
    slow, one = _slow(servers.canned, makes, rounds)
    failing, lone = _failing(servers.canned, makes, rounds=1 if rounds < 5 else 3)
    section = Section([_slow_table(slow, one), _failing_table(failing, lone)])
    section.goals += [
        Goal("crowd: requests", statistics.median(slow[OURS].requests), 1),
        Goal("crowd: slowest caller / one backend call", statistics.median(slow[OURS].slowest) / one, 1.1),
        Goal("crowd, failing: requests / those of one reader", _times_requests(failing[OURS], lone[OURS]), 1),
        Goal("crowd, failing: slowest caller / the one shared fetch", _times_fetch(failing[OURS]), 1.1),
    ]
    return section


# Measuring


def _slow(canned: Canned, makes: Mapping[str, Make], rounds: int) -> tuple[dict[str, Crowds], float]:
    """Return what the crowds came to, and the seconds of one call."""
    made = {label: make() for label, make in makes.items()}
    for peer in made.values():
        peer.read()
    fetch = bare_fetch()
    fetch("bench")
    canned.order(delay=_SLOW)
    found = {label: Crowds() for label in makes}
    one = []
    for _ in range(rounds):
        one.append(_seconds(lambda: fetch("bench")))
        for label, peer in made.items():
            peer.clear()
            canned.order(delay=_SLOW)
            _ask(canned, peer, found[label], _SLOW, failing=False)
    canned.order()
    return found, statistics.median(one)


def _failing(
    canned: Canned, makes: Mapping[str, Make], rounds: int
) -> tuple[dict[str, Crowds], dict[str, Crowds]]:
    """Return what the crowds came to, and what one reader alone came to."""
    found, lone = {label: Crowds() for label in makes}, {label: Crowds() for label in makes}
    for _ in range(rounds):
        for label, make in makes.items():
            for size, into in ((1, lone[label]), (CROWD, found[label])):
                canned.order()
                peer = make()  # with a client of its own: boto3's budget for retries is spent by a crowd
                peer.read()
                peer.clear()
                canned.order(delay=_FAILING_AFTER, failing=True)
                _ask(canned, peer, into, _FAILING_AFTER, failing=True, size=size)
    canned.order()
    return found, lone


def _ask(canned: Canned, peer: Peer, into: Crowds, delay: float, *, failing: bool, size: int = CROWD) -> None:
    went = crowd(peer.read, size)
    asked = canned.order(delay=delay, failing=failing)
    assert failing == bool(went.errors), went.kinds
    into.requests.append(sum(asked.calls.values()))
    into.median.append(statistics.median(went.waits))
    into.slowest.append(max(went.waits))
    into.asking.append(asked.seconds)
    into.which = went.kinds or ", ".join(f"{name} {count}" for name, count in sorted(asked.calls.items()))


def _seconds(read: Callable[[], object]) -> float:
    start = time.perf_counter()
    read()
    return time.perf_counter() - start


# Tables


def _times_requests(crowd: Crowds, lone: Crowds) -> float:
    return statistics.median(crowd.requests) / statistics.median(lone.requests)


def _times_fetch(crowd: Crowds) -> float:
    return statistics.median(
        [slowest / asking for slowest, asking in zip(crowd.slowest, crowd.asking, strict=True)]
    )


def _slow_table(found: Mapping[str, Crowds], one: float) -> Table:
    columns = ["cache", "requests", "median caller, ms", "slowest, ms", "x one call", "asked"]
    table = Table(f"The backend answers after {_SLOW * 1e3:.0f} ms", columns)
    table.rows.append([BARE, "1", number(one * 1e3), number(one * 1e3), number(1.0), "GetSecretValue 1"])
    for label, crowds in found.items():
        slowest = statistics.median(crowds.slowest)
        table.rows.append(
            [
                label,
                f"{statistics.median(crowds.requests):.0f}",
                number(statistics.median(crowds.median) * 1e3),
                number(slowest * 1e3),
                number(slowest / one),
                crowds.which,
            ]
        )
    return table


def _failing_table(found: Mapping[str, Crowds], lone: Mapping[str, Crowds]) -> Table:
    columns = ["cache", "requests", "one reader alone", "slowest, ms", "one reader alone, ms", "error"]
    table = Table(f"The backend answers 500 after {_FAILING_AFTER * 1e3:.0f} ms", columns)
    for label, crowds in found.items():
        table.rows.append(
            [
                label,
                f"{statistics.median(crowds.requests):.0f}",
                f"{statistics.median(lone[label].requests):.0f}",
                number(statistics.median(crowds.slowest) * 1e3),
                number(statistics.median(lone[label].slowest) * 1e3),
                crowds.which,
            ]
        )
    return table
