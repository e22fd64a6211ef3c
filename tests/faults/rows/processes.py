"""Forks, signals and the end of the interpreter: programs of their own, in front of each backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.faults.cases import BOTH, Expected, Row, Seen, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting
from tests.faults.visible import unheard
from tests.process import backends
from tests.process.backends import Backend
from tests.process.playing import NAME, playing
from tests.process.run import run_program, sayings

__all__ = ["PROCESSES"]

_START = {"aws": backends.aws, "vault": backends.vault, "conjur": backends.conjur}


def _with_a_backend(run: Callable[[Backend], dict[str, Any]]) -> Callable[[Setting], Seen]:
    """Run a program that counts its reads, in front of a backend with TLS."""

    def act(setting: Setting) -> Seen:
        with ExitStack() as ends:
            with unheard():
                backend = ends.enter_context(_START[setting.cell.backend](setting.folder))
            for text in backend.values.values():
                setting.canaries.add("value", text)
            said = run(backend)
        wrong = {what for who in ("children", "parent") for what in said[who]} - {"right"}
        return Seen(", ".join(sorted(wrong)) or "every read is right")

    return act


def _fork(backend: Backend) -> dict[str, Any]:
    told = {"values": backend.values, "rounds": 5, "children": 4, "reads": 20}
    said: dict[str, Any] = run_program("fork_rounds", backend.environ, told)
    assert sum(said["children"].values()) >= 400
    return said


def _fork_with_locks(backend: Backend) -> dict[str, Any]:
    said: dict[str, Any] = run_program(
        "fork_with_locks", backend.environ, {"values": backend.values, "children": 4}
    )
    return said


def _interrupted(setting: Setting) -> Seen:
    """Press Ctrl-C in every kind of wait."""
    with playing(setting.cell.backend) as server:
        server.answer(times=1)
        server.hang()
        said = run_program("interrupted", server.environ, {"name": NAME}, seconds=60)
    took = [each_ for each_ in said["took"].values() if isinstance(each_, float)]
    if len(took) < len(said["took"]) or said["warm"]:
        return Seen("not every wait was ended")
    return Seen("KeyboardInterrupt, and the next read works", seconds=max(took))


def _leaving(way: str, right: list[dict[str, Any]]) -> Callable[[Setting], Seen]:
    """Leave the interpreter while a fetch hangs."""

    def act(setting: Setting) -> Seen:
        with playing(setting.cell.backend) as server:
            server.answer(times=0 if way == "after_a_timeout" else 1)
            server.hang()
            said = sayings("leave", server.environ, {"way": way, "name": NAME}, seconds=30)
            took = time.monotonic() - next(each_["left"] for each_ in said if "left" in each_)
        others = [{key: value for key, value in each_.items() if key != "left"} for each_ in said]
        return Seen("it ends" if others == right else "something else", seconds=took)

    return act


def _row(id: str, words: str, act: Callable[[Setting], Seen], expected: Expected) -> Row:
    return Row(
        id, words, act, each(expected, None), ways=BOTH, commands=False, starts="program", place="nothing"
    )


_RIGHT = Expected("every read is right")
_ENDS = Expected("it ends", most=2.0)

PROCESSES = Table(
    "processes",
    KINDS,
    [
        _row(
            "fork",
            "4 children read 400 times over TLS, forked from a parent that has read and goes on",
            _with_a_backend(_fork),
            _RIGHT,
        ),
        _row(
            "fork-with-locks",
            "a fork while another thread holds every lock that there is",
            _with_a_backend(_fork_with_locks),
            _RIGHT,
        ),
        _row(
            "ctrl-c",
            "Ctrl-C in each of 7 kinds of wait",
            _interrupted,
            Expected("KeyboardInterrupt, and the next read works", most=0.2),
        ),
        _row(
            "exit-after-a-timeout",
            "the interpreter ends after a read that was late",
            _leaving("after_a_timeout", [{"came": "DeadlineExceeded"}]),
            _ENDS,
        ),
        _row(
            "exit-with-daemons",
            "it ends while daemon threads read",
            _leaving("while_a_daemon_reads", [{"came": "fresh"}]),
            _ENDS,
        ),
        _row(
            "exit-reading",
            "`atexit` reads a name in the cache, and one that is not",
            _leaving(
                "reading_at_exit", [{"came": "fresh"}, {"cold": True, "in_time": True}, {"warm": "fresh"}]
            ),
            _ENDS,
        ),
    ],
)
