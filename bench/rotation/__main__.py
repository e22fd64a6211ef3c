"""Rotate passwords under load, and print how many requests have failed: `make rotation`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench._harness import Table, number
from bench._page import replaced
from bench.rotation._load import Load, Outcome, run
from bench.rotation._places import HttpPlace, PostgresPlace, RedisPlace, Rotation, rotation
from bench.rotation._service import Service
from tests.servers.environment import forget_settings
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "rotation-under-load.md"
HEADING = "## What the application sees"
COLUMNS = ["style", "rotations", "requests", "failed", "slowest, s", "read once: requests", "failed"]

Clients = Callable[[bool], Any]


@contextmanager
def postgres(bao: OpenBao, *, alternating: bool) -> Iterator[tuple[Rotation, Clients]]:
    """Start a PostgreSQL server with a password that can be rotated."""
    from bench.rotation._postgres import PostgresClients

    with (
        Postgres() as server,
        rotation(PostgresPlace(server), bao, alternating=alternating) as kept,
    ):
        yield kept, lambda ours: PostgresClients(server.port, kept, ours)


@contextmanager
def redis(bao: OpenBao, *, alternating: bool) -> Iterator[tuple[Rotation, Clients]]:
    """Start a Redis server with a password that can be rotated."""
    from bench.rotation._redis import RedisClients

    with Redis() as server, rotation(RedisPlace(server), bao, alternating=alternating) as kept:
        yield kept, lambda ours: RedisClients(server.port, kept, ours)


@contextmanager
def http(bao: OpenBao, *, overlap: bool) -> Iterator[tuple[Rotation, Clients]]:
    """Start a service with a key that can be rotated."""
    from bench.rotation._http import HttpClients

    with (
        Service("the first one") as server,
        rotation(HttpPlace(server, overlap=overlap), bao, alternating=False) as kept,
    ):
        yield kept, lambda ours: HttpClients(server.url, kept, ours)


STYLES: dict[str, Callable[[OpenBao], Any]] = {
    "PostgreSQL, one user": lambda bao: postgres(bao, alternating=False),
    "PostgreSQL, two users in turn": lambda bao: postgres(bao, alternating=True),
    "Redis, one user": lambda bao: redis(bao, alternating=False),
    "Redis, two users in turn": lambda bao: redis(bao, alternating=True),
    "HTTP, one key": lambda bao: http(bao, overlap=False),
    "HTTP, two keys at a time": lambda bao: http(bao, overlap=True),
}


def tried(style: str, bao: OpenBao, load: Load, *, ours: bool) -> Outcome:
    """Rotate the password of one style under load."""
    with STYLES[style](bao) as (kept, clients):
        made = clients(ours)
        return run(load, made.clients(), made.aclients(), kept.rotate)


def row(style: str, ours: Outcome, once: Outcome) -> list[str]:
    """Return what the table says of one style."""
    return [
        style,
        str(ours.rotations),
        f"{ours.requests:,}",
        f"{ours.failed.total():,}",
        number(ours.slowest),
        f"{once.requests:,}",
        f"{once.failed.total():,}",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Try and print; return 1 if a request failed that should not."""
    parser = argparse.ArgumentParser(prog="python -m bench.rotation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=Load().seconds, help="of each load")
    parser.add_argument("--every", type=float, default=Load().every, help="seconds between two rotations")
    parser.add_argument("--only", metavar="TEXT", default="", help="styles that have it in their name")
    parser.add_argument("--publish", action="store_true", help="put the table into its page")
    asked = parser.parse_args(arguments)
    forget_settings()
    logging.disable(logging.CRITICAL)  # pools tell of each login that fails, and it is counted anyway
    load = replace(Load(), seconds=asked.seconds, every=asked.every)
    table = Table(HEADING.lstrip("# "), COLUMNS)
    failed = 0
    with OpenBao() as bao:
        for style in [each for each in STYLES if asked.only.lower() in each.lower()]:
            ours, once = (tried(style, bao, load, ours=each) for each in (True, False))
            failed += ours.failed.total()
            table.rows.append(row(style, ours, once))
            print(
                f"{style}: {dict(ours.failed) or 'none'} failed; read once: {dict(once.failed)}", flush=True
            )
    print(f"\n{table}")
    if asked.publish and not failed:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), HEADING, table), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
