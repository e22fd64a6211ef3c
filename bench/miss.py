"""B. A read that has to ask: one call over loopback, beside the bare client on the same server."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench._backends import FLOOR, OURS, aws_canned, aws_moto, conjur, vault
from bench._harness import Effort, Goal, Section, Table, between, interleave, number, ratios, spread
from bench._servers import Servers

TITLE = "B. A read that asks the backend"

_MISS_LIMIT = 1.15
_CONJUR_LIMIT = 0.05


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    section = Section()
    for title, make, bare, limit in (
        ("AWS, canned answers", aws_canned, "boto3 get_secret_value", _MISS_LIMIT),
        ("AWS, moto", aws_moto, "boto3 get_secret_value", _MISS_LIMIT),
        ("OpenBao, KV v2", vault, "hvac kv.v2.read_secret_version", _MISS_LIMIT),
        ("Conjur stand-in, verified TLS", conjur, "conjur_api sync mode, CA_BUNDLE", _CONJUR_LIMIT),
    ):
        with make(servers) as reads:
            taken = interleave({label: sampler(read) for label, read in reads.items()}, effort, 9)
        table = Table(title, ["read", "us/call", f"x {bare.split()[0]}", "10-90 %", "x floor"])
        for label, samples in taken.items():
            of_bare = ratios(samples, taken[bare])
            table.rows.append(
                [
                    label,
                    number(spread(samples).median * 1e6),
                    number(of_bare.median),
                    between(of_bare),
                    number(ratios(samples, taken[FLOOR]).median),
                ]
            )
        section.tables.append(table)
        section.goals.append(
            Goal(f"miss, {title}: secretsource / {bare}", ratios(taken[OURS], taken[bare]).median, limit)
        )
    return section


def sampler(read: Callable[[], object], *, warm: int = 5) -> Callable[[], float]:
    """Return what times one call: candidates take turns call by call, and a pause of the machine hits single calls."""
    for _ in range(warm):
        read()

    def sample() -> float:
        start = time.perf_counter()
        read()
        return time.perf_counter() - start

    return sample
