"""The part of the contract about threads, forks and deadlines."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from secretsource.errors import BackendUnavailable
from secretsource.resolvers import Deadline, Resolver, SupportsClose
from secretsource.testing._contract.forked import Child
from secretsource.testing._contract.hooks import Hooks, only_if
from secretsource.testing._contract.kept import Canary, new_path

__all__ = ["ProcessTests"]

_THREADS = 16
_READS = 5
_FORKED_READS = 20
_SOON = 2.0


class ProcessTests(Hooks):
    """A resolver is shared by threads, inherited over a fork, and keeps to its deadline."""

    def test_many_threads_get_right_answers(self) -> None:
        """Sixteen, from the first fetch on, each with names of its own and shared ones."""
        values = self._stored(4)
        with self.opened() as resolver:
            wrong = self._in_threads(
                _THREADS, lambda number: self._wrong(resolver, values, start=number, reads=_READS)
            )
        assert not wrong, f"{len(wrong)} of {_THREADS * _READS} reads were wrong, such as: {wrong[0]}"

    @only_if(lambda _: hasattr(os, "fork"))
    def test_forked_children_get_right_answers(self) -> None:
        """Children and parent read different names at the same time; no connection is shared."""
        values = self._stored(3)
        names = list(values)
        with self.opened() as resolver:
            assert not self._wrong(resolver, values, start=0, reads=len(values))
            children = [
                Child(lambda own=own: self._forked(resolver, {own: values[own]}))  # type: ignore[misc]
                for own in names[1:]
            ]
            own = {names[0]: values[names[0]]}
            parent = self._in_threads(
                1, lambda number: self._wrong(resolver, own, start=number, reads=_FORKED_READS)
            )
            verdicts = [child.verdict(2 * self.timeout) for child in children]
        assert verdicts == ["", ""], f"in the children: {verdicts}"
        assert not parent, f"in the parent: {parent[0]}"

    def test_a_deadline_that_is_over_ends_the_fetch_soon(self) -> None:
        """With an answer that was at hand, or with `BackendUnavailable`."""
        values = self._stored(1)
        with self.opened() as resolver:
            assert not self._wrong(resolver, values, start=0, reads=1)
            location = resolver.locate(next(iter(values)))
            started = time.monotonic()
            with suppress(BackendUnavailable):
                resolver.fetch(location, Deadline(0.0))
            seconds = time.monotonic() - started
        assert seconds < _SOON, f"it took {seconds:.1f} s"

    def test_it_can_be_closed_and_used_again(self) -> None:
        """Close frees what it holds; the next fetch opens it again, and closing twice does no harm."""
        values = self._stored(1)
        with self.opened() as resolver:
            for _ in range(2):
                assert not self._wrong(resolver, values, start=0, reads=1)
                for _ in range(2):
                    if isinstance(resolver, SupportsClose):
                        resolver.close()

    def _in_threads(self, count: int, work: Callable[[int], list[str]]) -> list[str]:
        """Run *work* in threads that start together, and return what is wrong; a hang is, too."""
        wrong: list[str] = []
        barrier = threading.Barrier(count)

        def run(number: int) -> None:
            barrier.wait()
            wrong.extend(work(number))

        threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 2 * self.timeout
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return wrong + ["a fetch hung" for thread in threads if thread.is_alive()]

    def _stored(self, count: int) -> dict[str, Canary]:
        values = {f"{new_path()}/field": Canary() for _ in range(count)}
        for name, value in values.items():
            self.put(name, value.text)
        return values

    def _wrong(self, resolver: Resolver, values: dict[str, Canary], *, start: int, reads: int) -> list[str]:
        """Read the names in turn and return what is wrong; never a value."""
        names, wrong = list(values), []
        for number in range(start, start + reads):
            name = names[number % len(names)]
            try:
                found = self.read(resolver, name)
            except Exception as error:  # noqa: BLE001 - told by the test, also from other threads
                wrong.append(f"{type(error).__name__}: {error}")
                continue
            if found != values[name]:
                other = " of another name" if found in values.values() else ""
                wrong.append(f"the value{other} {found!r} instead of {values[name]!r}")
        return wrong

    def _forked(self, resolver: Resolver, values: dict[str, Canary]) -> str:
        return next(iter(self._wrong(resolver, values, start=0, reads=_FORKED_READS)), "")
