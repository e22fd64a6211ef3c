"""G. Twenty names at once, over a network that takes 20 ms, beside one by one with the bare client.

Conjur is held against `urllib3` and not against `conjur_api`, which makes a connection for each read and so has to wait
for three answers.
"""

from __future__ import annotations

import statistics

from bench._harness import Effort, Goal, Section, Table, between, interleave, number, ratios
from bench._many_reads import AT_ONCE, BATCH, aws, conjur, vault
from bench._servers import MANY, Servers
from bench.miss import sampler

TITLE = f"G. {len(MANY)} names at once"
_ROUNDS = 5


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    section = Section()
    less = Effort(effort.share, min(effort.rounds, _ROUNDS))
    for title, make, bare, limits in (
        ("AWS", aws, "boto3, one by one", {AT_ONCE: 0.16, BATCH: 0.16}),
        ("Vault", vault, "hvac, one by one", {AT_ONCE: 0.20}),
        ("Conjur", conjur, "urllib3 PoolManager, one by one", {AT_ONCE: 0.10}),
    ):
        with make(servers) as reads:
            taken = interleave({label: sampler(read, warm=1) for label, read in reads.items()}, less, 6)
        table = Table(f"{title}: {len(MANY)} names, 20 ms away", ["read", "ms", "x one by one", "10-90 %"])
        for label, samples in taken.items():
            of_bare = ratios(samples, taken[bare])
            table.rows.append(
                [label, number(statistics.median(samples) * 1e3), number(of_bare.median), between(of_bare)]
            )
        section.tables.append(table)
        section.goals += [
            Goal(
                f"{len(MANY)} names, {title}: {label} / {bare}",
                ratios(taken[label], taken[bare]).median,
                limit,
            )
            for label, limit in limits.items()
        ]
    return section
