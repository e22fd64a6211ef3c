"""Many readers, event loops and clocks, in front of backends that are played."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from secretsource import Secret
from secretsource.errors import ResolverError
from tests.fakes import eventually, in_threads
from tests.faults.cases import BOTH, Expected, Row, Seen, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["CROWDS"]

_THREADS, _TASKS = 64, 1000
_SLOW = 0.3  # seconds that the backend takes, so that all have come before it answers


def _slow(setting: Setting, status: int = 200) -> None:
    body = setting.played.document(setting.value) if status == 200 else setting.played.everything()
    setting.played.answers(body, status, delay=_SLOW)
    setting.forget()


def _all_right(setting: Setting, came: list[object]) -> Seen:
    """Say whether everybody has got the value; an error tells of all."""
    counted: Counter[str] = Counter()
    error: BaseException | None = None
    for each_ in came:
        if isinstance(each_, Secret):
            counted["right" if setting.is_right(each_) else "wrong"] += 1
            continue
        assert isinstance(each_, BaseException)
        error = error or each_
        counted[type(each_).__name__] += 1
    reason = str(error.reason) if isinstance(error, ResolverError) else ""
    return Seen(", ".join(f"{number} {what}" for what, number in counted.items()), reason, error=error)


def _timed(act: Callable[[Setting], Seen]) -> Callable[[Setting], Seen]:
    def timed(setting: Setting) -> Seen:
        started = time.monotonic()
        seen = act(setting)
        seen.seconds = seen.seconds or time.monotonic() - started
        seen.asked = setting.count()
        return seen

    return timed


@_timed
def _in_threads(setting: Setting) -> Seen:
    _slow(setting)
    return _all_right(setting, list(in_threads(_THREADS, lambda: setting.store.get(setting.name))))


@_timed
def _in_threads_in_vain(setting: Setting) -> Seen:
    _slow(setting, 500)
    return _all_right(setting, list(in_threads(_THREADS, lambda: setting.store.get(setting.name))))


@_timed
def _in_tasks(setting: Setting) -> Seen:
    _slow(setting)

    async def read() -> list[object]:
        tasks = [asyncio.create_task(setting.store.aget(setting.name)) for _ in range(_TASKS)]
        await asyncio.sleep(_SLOW / 3)
        tasks[0].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    leader, *others = asyncio.run(read())
    assert isinstance(leader, asyncio.CancelledError)
    return _all_right(setting, others)


@_timed
def _on_loop_after_loop(setting: Setting) -> Seen:
    """Read on a loop, on another one after it is closed, on one in a thread, and without one."""
    _slow(setting)

    def read_on_a_loop() -> Secret:
        return asyncio.run(setting.store.aget(setting.name, refresh=True))

    came: list[object] = [read_on_a_loop(), read_on_a_loop()]
    thread = threading.Thread(target=lambda: came.append(read_on_a_loop()))
    thread.start()
    thread.join()
    return _all_right(setting, [*came, setting.store.get(setting.name, refresh=True)])


@_timed
def _inside_a_loop(setting: Setting) -> Seen:
    """Read without `await` inside a running loop, while a task waits for the same."""
    _slow(setting)

    async def read() -> list[object]:
        task = asyncio.create_task(setting.store.aget(setting.name))
        await asyncio.sleep(_SLOW / 3)
        return [setting.store.get(setting.name), await task]

    return _all_right(setting, asyncio.run(read()))


@_timed
def _others_while_four_hang(setting: Setting) -> Seen:
    """Read one name while four others of the same backend hang."""
    setting.store.get(setting.name)
    setting.forget()
    setting.server.answer(delay=30)
    if setting.cell.backend == "aws":  # all of whose requests go to one path: it is the next four that hang
        setting.server.answer(delay=30, times=4, path=setting.place)
    names = [f"hung{number}/key" for number in range(4)]
    threads = [threading.Thread(target=_in_vain, args=(setting, name), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: len(setting.server.requests) == len(names))
        setting.forget()
        started = time.monotonic()
        seen = _all_right(setting, [setting.store.get(setting.name, timeout=1, refresh=True)])
        seen.seconds = time.monotonic() - started
    finally:
        for thread in threads:
            thread.join()  # or they would read in the middle of the next cell, in its environment
    return seen


def _in_vain(setting: Setting, name: str) -> None:
    with suppress(ResolverError):
        setting.store.get(name, timeout=1)


def _moved_clock(hours: float) -> Callable[[Setting], Seen]:
    @_timed
    def act(setting: Setting) -> Seen:
        setting.store.get(setting.name)
        setting.forget()
        now = time.time
        setting.monkeypatch.setattr(time, "time", lambda: now() + hours * 3600)
        return _all_right(setting, [setting.store.get(setting.name)])

    return act


@_timed
def _moved_zone(setting: Setting) -> Seen:
    setting.store.get(setting.name)
    setting.forget()
    before = os.environ.get("TZ", "")
    for zone in ("Pacific/Kiritimati", before):
        setting.monkeypatch.setenv("TZ", zone)
        time.tzset()
    return _all_right(setting, [setting.store.get(setting.name)])


@_timed
def _restarted(setting: Setting) -> Seen:
    """Lose every connection again and again."""
    came: list[object] = []
    for _ in range(5):
        came.append(setting.store.get(setting.name, refresh=True))
        setting.server.drop_connections()
    return _all_right(setting, came)


def _row(id: str, words: str, act: Callable[[Setting], Seen], **more: Any) -> Row:
    return Row(id, words, act, ways=BOTH, commands=False, **more)


_ALL = Expected(f"{_THREADS} right", asked=1, most=3.0)
_NO_READ = Expected("1 right", asked=0)

CROWDS = Table(
    "crowds",
    KINDS,
    [
        _row("64-threads", "64 threads want one name at once", _in_threads, expected=each(_ALL, _ALL)),
        _row(
            "64-threads-failing",
            "64 threads want one name at once, and get HTTP 500",
            _in_threads_in_vain,
            expected=each(Expected(f"{_THREADS} BackendUnavailable", "server", 3, most=3.0), None),
        ),
        _row(
            "1000-tasks",
            "1,000 tasks want it, and the first is cancelled",
            _in_tasks,
            expected=each(*(Expected(f"{_TASKS - 1} right", asked=1, most=5.0),) * 2),
        ),
        _row(
            "loops",
            "a loop, another one after it is closed, one in a thread, and none",
            _on_loop_after_loop,
            expected=each(*(Expected("4 right", asked=4, most=4.0),) * 2),
        ),
        _row(
            "inside-a-loop",
            "`get` inside a running loop, while a task waits for the same",
            _inside_a_loop,
            expected=each(*(Expected("2 right", asked=1, most=2.0),) * 2),
        ),
        _row(
            "others",
            "four other names of the backend hang",
            _others_while_four_hang,
            expected=each(Expected("1 right", asked=1, most=0.5), None),
        ),
        _row(
            "restarts",
            "every connection is lost after each of 5 reads",
            _restarted,
            expected=each(Expected("5 right", asked=5), None),
        ),
        _row(
            "an-hour-on",
            "the wall clock is put on by an hour",
            _moved_clock(1),
            expected=each(_NO_READ, None),
        ),
        _row(
            "an-hour-back",
            "the wall clock is put back by an hour",
            _moved_clock(-1),
            expected=each(_NO_READ, None),
        ),
        _row("zone", "the time zone changes", _moved_zone, expected=each(_NO_READ, None)),
    ],
)
