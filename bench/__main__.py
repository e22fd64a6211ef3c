"""`python -m bench`: everything in one run."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench._harness import FULL, QUICK, TINY, Effort, Goal, Section
from bench._peers import missing
from bench._servers import Servers

SECTIONS = {
    "A": "hit",
    "B": "miss",
    "C": "start",
    "D": "stampede",
    "E": "expiry",
    "F": "outage",
    "G": "many",
    "H": "memory",
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for and print it; return the exit status."""
    asked = _parse(arguments)
    file = None if asked.json is None else Path(asked.json).absolute()
    begun = time.monotonic()
    print(_machine() + "\n", flush=True)
    if left_out := missing():
        print(f"not installed and left out: {', '.join(left_out)}\n")
    effort = TINY if asked.tiny else QUICK if asked.quick else FULL
    found: dict[str, Section] = {}
    with Servers() as servers:
        for key in asked.only or SECTIONS:
            found[key] = _run(key, servers, effort)
    goals = [goal for section in found.values() for goal in section.goals]
    missed = sum(not goal.met for goal in goals)
    print(f"{len(goals) - missed} of {len(goals)} goals reached, {time.monotonic() - begun:.0f} s.")
    if file is not None:
        file.write_text(json.dumps(_as_json(found), indent=1) + "\n", encoding="utf-8")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure secretsource beside its peers."
    )
    parser.add_argument("--quick", action="store_true", help="under two minutes; ratios are rough")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # whether it runs, for tests
    parser.add_argument(
        "--only",
        action="append",
        metavar="SECTION",
        choices=list(SECTIONS),
        help="one of A to H; may be repeated",
    )
    parser.add_argument("--json", metavar="FILE", help="write the tables and goals there as well")
    return parser.parse_args(arguments)


def _run(key: str, servers: Servers, effort: Effort) -> Section:
    module = importlib.import_module(f"bench.{SECTIONS[key]}")
    print(f"## {module.TITLE}\n", flush=True)
    section: Section = module.run(servers, effort)
    for table in section.tables:
        print(table, flush=True)
    if section.goals:
        print(section.goal_table("Goals"), flush=True)
    return section


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {cores} cores; servers run on the same cores"
    )


def _as_json(found: dict[str, Section]) -> dict[str, object]:
    return {
        "machine": _machine(),
        "python": sys.version,
        "left_out": missing(),
        "sections": {
            key: {
                "tables": [asdict(table) for table in section.tables],
                "goals": [_goal(goal) for goal in section.goals],
            }
            for key, section in found.items()
        },
    }


def _goal(goal: Goal) -> dict[str, object]:
    return {**asdict(goal), "met": goal.met}


if __name__ == "__main__":
    sys.exit(main())
