"""A fleet of processes that read secrets: what each policy asks of the backend, second by second.

A simulation of discrete events. A process reads each of its names again and again, at random, `read_every` seconds
apart on average; only reads that may lead to a call are events. When a value is refreshed, how far moments are spread,
how long a store waits after a failed attempt, how often it asks again for a refused value and when it logs in anew is
not written here: those are the library's own functions and numbers.
"""

from __future__ import annotations

import heapq
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from secretsource import BackendUnavailable, _jitter
from secretsource._jitter import spread
from secretsource._keys import document_key
from secretsource._lifetime import refresh_after
from secretsource._outages import Outages
from secretsource._refusals import RENEWAL_PAUSE
from secretsource.resolvers._retry import ATTEMPTS
from secretsource.resolvers._tokens import RENEW_AT

LOGIN_LIVES = {"Vault": 3600.0, "Conjur": 480.0}  # seconds; AWS signs each request
_ROTATED = 0  # the name whose value changes
_TIMEOUT = 10.0
_LONG_AGO = float("-inf")


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is simulated. All times are in seconds."""

    processes: int = 10_000
    hosts: int = 500
    names: int = 3
    start_within: float = 10.0
    read_every: float = 10.0
    ttl: float = 300.0
    agent_ttl: float = 300.0
    down_from: float = 2700.0
    down_until: float = 2880.0
    rotated_at: float = 3600.0
    ends_at: float = 4200.0


@dataclass(frozen=True, slots=True)
class Policy:
    """How the processes go about it.

    Attributes:
        label: What the tables call it.
        ahead: Refresh a value before its ttl is over, and not after.
        jitter: Spread the moment of that.
        patient: In an outage, use the old value and ask at intervals; not at each read.
        rejects: Ask at once when a value is refused.
        agent: One cache for all processes of a host.
    """

    label: str
    ahead: bool = True
    jitter: bool = True
    patient: bool = True
    rejects: bool = True
    agent: bool = False


KEPT = Policy("kept for the ttl", ahead=False, jitter=False, patient=False, rejects=False)
AHEAD = Policy("ahead, no jitter", jitter=False)
OURS = Policy("secretsource")
AGENTS = Policy("secretsource, agents", agent=True)
POLICIES = (KEPT, AHEAD, OURS, AGENTS)


@dataclass(slots=True)
class Load:
    """What came of it.

    Attributes:
        calls: Reads that the backend sees in each second.
        logins: Logins in each second, by backend.
        starts: Processes that started in each second.
        noticed: By process, how long after the rotation it used the new value first.
    """

    calls: list[int]
    logins: dict[str, list[int]]
    starts: list[int]
    noticed: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Client:
    """What speaks to the backend: a process, or the agent of a host."""

    logged_in: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LOGIN_LIVES, _LONG_AGO))


@dataclass(slots=True)
class _Process:
    number: int
    seed: int
    client: _Client
    made_at: list[float]  # by name, when the backend gave the value that the process has
    turns: list[int]  # by name, counted up with each value; what was planned for an older one is void
    flights: int = 0
    outages: Outages | None = None
    rejected_at: float = _LONG_AGO


def simulate(policy: Policy, fleet: Fleet = Fleet(), seed: int = 1) -> Load:
    """Return what the backend of *fleet* sees under *policy*; the same for the same *seed*."""
    run = _Run(policy, fleet, random.Random(seed))
    with _quiet(), _own_jitter():
        run.start()
        run.go_on()
    return run.load


class _Run:
    def __init__(self, policy: Policy, fleet: Fleet, chance: random.Random) -> None:
        self._policy = policy
        self._fleet = fleet
        self._chance = chance
        self._events: list[tuple[float, int, _Process, int, int]] = []
        self._planned = 0
        seconds = int(fleet.ends_at) + 1
        self.load = Load([0] * seconds, {name: [0] * seconds for name in LOGIN_LIVES}, [0] * seconds)
        self._agents = [(_Client(), [_LONG_AGO] * fleet.names) for _ in range(fleet.hosts)]
        self._keys = [document_key("backend", str(name)) for name in range(fleet.names)]

    def start(self) -> None:
        """Start all processes; each reads its names at once. Plan the first use after the rotation."""
        fleet = self._fleet
        for number in range(fleet.processes):
            process = _Process(
                number,
                self._chance.getrandbits(63),
                self._agents[number % fleet.hosts][0] if self._policy.agent else _Client(),
                [_LONG_AGO] * fleet.names,
                [0] * fleet.names,
            )
            at = self._chance.uniform(0.0, fleet.start_within)
            self.load.starts[int(at)] += 1
            for name in range(fleet.names):
                self._plan(at, process, name)
            self._plan(fleet.rotated_at + self._next_read(), process, -1)

    def go_on(self) -> None:
        """Let everything happen in its order."""
        while self._events:
            now, _, process, name, turn = heapq.heappop(self._events)
            if now >= self._fleet.ends_at:
                return
            if name < 0:
                self._use(process, now)
            elif turn == process.turns[name]:
                self._read(process, name, now)

    def _plan(self, at: float, process: _Process, name: int) -> None:
        self._planned += 1
        turn = process.turns[name] if name >= 0 else 0
        heapq.heappush(self._events, (at, self._planned, process, name, turn))

    def _next_read(self) -> float:
        return self._chance.expovariate(1 / self._fleet.read_every)

    # What a process does

    def _read(self, process: _Process, name: int, now: float) -> None:
        """Read a value that is due."""
        outages = process.outages
        if outages is not None and not outages.may_try(self._keys[name], now, _TIMEOUT):
            self._plan(now + self._next_read(), process, name)
        else:
            self._fetch(process, name, now)

    def _use(self, process: _Process, now: float) -> None:
        """Use the value that was rotated: it is refused while it is the old one."""
        refused = process.made_at[_ROTATED] < self._fleet.rotated_at
        if refused and self._policy.rejects and now >= process.rejected_at + RENEWAL_PAUSE:
            process.rejected_at = now
            self._fetch(process, _ROTATED, now)
        if process.made_at[_ROTATED] >= self._fleet.rotated_at:
            self.load.noticed[process.number] = now - self._fleet.rotated_at
        else:
            self._plan(now + self._next_read(), process, -1)

    def _fetch(self, process: _Process, name: int, now: float) -> None:
        _be(process)
        process.flights += 1
        made_at = (
            self._ask_agent(process, name, now) if self._policy.agent else self._ask(process.client, now)
        )
        if made_at is None:
            if self._policy.patient:
                process.outages = process.outages or Outages()
                process.outages.failed(self._keys[name], BackendUnavailable("down"), process.flights, now)
            self._plan(now + self._next_read(), process, name)
            return
        if process.outages is not None:
            process.outages.answered(self._keys[name], now)
        process.made_at[name] = made_at
        process.turns[name] += 1
        self._plan(now + self._due_after(process) + self._next_read(), process, name)

    def _due_after(self, process: _Process) -> float:
        if not self._policy.ahead:
            return self._fleet.ttl
        jitter = spread(process.flights) if self._policy.jitter else 0.0
        return refresh_after(self._fleet.ttl, None, jitter=jitter)

    # What the backend sees

    def _ask(self, client: _Client, now: float) -> float | None:
        """Return when the answer was made, which is now, or `None` if there is none."""
        if self._fleet.down_from <= now < self._fleet.down_until:
            self.load.calls[int(now)] += ATTEMPTS
            return None
        for backend, life in LOGIN_LIVES.items():
            if now - client.logged_in[backend] >= RENEW_AT * life:
                client.logged_in[backend] = now
                self.load.logins[backend][int(now)] += 1
        self.load.calls[int(now)] += 1
        return now

    def _ask_agent(self, process: _Process, name: int, now: float) -> float:
        """Ask the agent of the host, which gives what it has until that is too old, and during an outage for longer."""
        client, made_at = self._agents[process.number % self._fleet.hosts]
        if now - made_at[name] >= self._fleet.agent_ttl:
            answer = self._ask(client, now)
            made_at[name] = made_at[name] if answer is None else answer
        return made_at[name]


def _be(process: _Process) -> None:
    """Let the library's jitter be that of *process*."""
    _jitter._seed.value = process.seed


@contextmanager
def _own_jitter() -> Iterator[None]:
    kept = _jitter._seed.value
    try:
        yield
    finally:
        _jitter._seed.value = kept


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ten thousand simulated outages out of the log."""
    log = logging.getLogger("secretsource")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
