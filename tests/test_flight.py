from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from secretsource._deadline import Deadline
from secretsource._flight import Flight, Flights
from secretsource._workers import Workers
from tests.worker_threads import idle_threads_end_soon, no_thread

__all__ = ["idle_threads_end_soon"]


def answer_of(flight: Flight[str]) -> str | None:
    """Wait for a flight, as a reader does."""
    landed: SimpleQueue[None] = SimpleQueue()
    flight.wake_with(lambda: landed.put(None))
    landed.get(timeout=5)
    return flight.answer


class TestFlights:
    def flights(self, limit: int = 4) -> Flights[str]:
        return Flights(Workers(limit), lambda why: f"failed: {why}")

    def join(
        self,
        flights: Flights[str],
        fetch: Callable[[Deadline, int], str],
        deadline: Deadline,
        *,
        fresh: bool = False,
    ) -> Flight[str]:
        flight, is_new = flights.book("key", deadline, fresh=fresh)
        assert isinstance(flight, Flight)
        if is_new:
            flights.depart([flight], "lane", lambda until, numbers: [fetch(until, numbers[0])])
        return flight

    def test_callers_of_one_key_share_one_fetch(self) -> None:
        flights, gate, calls = self.flights(), threading.Event(), []

        def fetch(deadline: Deadline, number: int) -> str:
            calls.append(number)
            gate.wait(10)
            return "answer"

        futures = [self.join(flights, fetch, Deadline(10)) for _ in range(50)]
        gate.set()
        assert {"answer"} == {answer_of(future) for future in futures}
        assert [1] == calls

    def test_a_flight_that_has_landed_is_not_joined(self) -> None:
        flights = self.flights()
        first = self.join(flights, lambda _, number: str(number), Deadline(10))
        assert "1" == answer_of(first)
        assert "2" == answer_of(self.join(flights, lambda _, number: str(number), Deadline(10)))

    def test_a_fresh_caller_joins_no_flight_that_has_begun_but_one_that_still_waits(self) -> None:
        flights, gate, began = self.flights(limit=1), threading.Event(), threading.Event()

        def slow(deadline: Deadline, number: int) -> str:
            began.set()
            gate.wait(10)
            return str(number)

        first = self.join(flights, slow, Deadline(10))
        assert began.wait(5)
        second = self.join(flights, slow, Deadline(10), fresh=True)
        third = self.join(flights, slow, Deadline(10), fresh=True)
        assert second is not first
        assert third is second
        gate.set()
        assert ["1", "2"] == [answer_of(first), answer_of(second)]

    def test_the_most_patient_caller_extends_the_flight(self) -> None:
        flights, gate = self.flights(), threading.Event()
        left: list[float] = []

        def fetch(deadline: Deadline, number: int) -> str:
            gate.wait(10)
            left.append(deadline.remaining)
            return ""

        future = self.join(flights, fetch, Deadline(0.01))
        self.join(flights, fetch, Deadline(60))
        self.join(flights, fetch, Deadline(0.01))
        gate.set()
        answer_of(future)
        assert 55 < left[0]

    def test_a_disowned_flight_ends_for_its_waiters_and_is_joined_by_nobody(self) -> None:
        for disowned in (["key"], None):
            flights, gate = self.flights(), threading.Event()

            def fetch(deadline: Deadline, number: int, gate: threading.Event = gate) -> str:
                gate.wait(10)
                return str(number)

            first = self.join(flights, fetch, Deadline(10))
            flights.disown(disowned)
            second = self.join(flights, fetch, Deadline(10))
            gate.set()
            assert ["1", "2"] == [answer_of(first), answer_of(second)]

    def test_a_disowned_flight_that_lands_leaves_the_newer_one_to_be_joined(self) -> None:
        flights, gates = self.flights(), [threading.Event(), threading.Event()]

        def fetch(deadline: Deadline, number: int) -> str:
            gates[min(number, 2) - 1].wait(10)
            return str(number)

        first = self.join(flights, fetch, Deadline(10))
        flights.disown()
        second = self.join(flights, fetch, Deadline(10))
        gates[0].set()
        assert "1" == answer_of(first)
        assert self.join(flights, fetch, Deadline(10)) is second
        gates[1].set()
        assert "2" == answer_of(second)

    def test_who_stops_waiting_is_woken_no_more_and_others_are(self) -> None:
        flights, gate, woken = self.flights(), threading.Event(), list[str]()
        flight = self.join(flights, lambda *_: str(gate.wait(10)), Deadline(10))
        stop = flight.wake_with(lambda: woken.append("gone"))
        flight.wake_with(lambda: woken.append("there"))
        stop()
        gate.set()
        assert "True" == answer_of(flight)
        assert ["there"] == woken

    def test_what_a_waiter_raises_keeps_nobody_from_being_woken(self) -> None:
        def closed() -> None:
            raise RuntimeError("Event loop is closed")

        flights, gate = self.flights(), threading.Event()
        flight = self.join(flights, lambda *_: str(gate.wait(10)), Deadline(10))
        landed: SimpleQueue[None] = SimpleQueue()
        for wake in (closed, lambda: landed.put(None), closed):
            flight.wake_with(wake)
        gate.set()
        landed.get(timeout=5)

    def test_a_fetch_that_raises_is_an_answer_and_costs_no_thread(self) -> None:
        flights = self.flights(limit=1)

        def crash(deadline: Deadline, number: int) -> str:
            raise SystemExit(number)

        for _ in range(3):
            assert "failed: asking raised SystemExit" == answer_of(self.join(flights, crash, Deadline(10)))
        assert "4" == answer_of(self.join(flights, lambda _, number: str(number), Deadline(10)))

    def test_one_that_never_departed_is_joined_for_a_moment_and_then_no_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flights = self.flights()
        with ThreadPoolExecutor(1) as another:
            stray, is_new = another.submit(flights.book, "key", Deadline(10)).result()
        assert is_new
        assert (stray, False) == flights.book("key", Deadline(10))
        monkeypatch.setattr("secretsource._flight._STRAY_AFTER", 0.0)
        assert "2" == answer_of(self.join(flights, lambda _, number: str(number), Deadline(10)))

    def test_who_interrupts_a_booking_waits_not_for_it_and_the_reads_of_one_round_do(self) -> None:
        flights, call = self.flights(), object()
        booked, _ = flights.book("key", Deadline(10), call=call)
        assert (booked, False) == flights.book("key", Deadline(10), call=call)
        other, is_new = flights.book("key", Deadline(10))  # as a signal handler does
        assert is_new
        another, is_new = flights.book("key", Deadline(10), call=object())
        assert is_new
        assert 3 == len({id(booked), id(other), id(another)})

    def test_without_a_thread_everybody_gets_the_grounded_answer_and_the_next_flight_takes_off(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flights = self.flights()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            flight = self.join(flights, lambda *_: pytest.fail("it was called off"), Deadline(10))
            assert "failed: no thread can be started to ask" == answer_of(flight)
        fetched: list[int] = []
        assert "answer" == answer_of(
            self.join(flights, lambda _, number: fetched.append(number) or "answer", Deadline(10))
        )
        assert [2] == fetched

    def test_those_that_depart_together_land_together_each_with_its_own_answer(self) -> None:
        flights, gate = self.flights(), threading.Event()
        booked = [flights.book(key, Deadline(10))[0] for key in "abc"]
        assert all(isinstance(flight, Flight) for flight in booked)

        def fetch(deadline: Deadline, numbers: Sequence[int]) -> list[str]:
            gate.wait(10)
            return [str(number) for number in numbers]

        flights.depart(booked, "lane", fetch)
        assert flights.book("b", Deadline(10)) == (booked[1], False)
        gate.set()
        assert ["1", "2", "3"] == [answer_of(flight) for flight in booked]
        assert [None, None, None] == [flights.flying(key) for key in "abc"]

    def test_what_landed_since_the_caller_looked_is_its_answer(self) -> None:
        assert ("landed", False) == self.flights().book("key", Deadline(10), landed=lambda: "landed")

    def test_a_flight_is_lost_when_it_outlives_the_most_patient_caller_however_many_still_come(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("secretsource._flight._LOST_AFTER", 0.02)
        flights, gate = self.flights(), threading.Event()
        hung = self.join(flights, lambda *_: str(gate.wait(20)), Deadline(0.03))
        assert flights.lost("key") is None
        end = time.monotonic() + 5
        while flights.lost("key") is None:
            assert time.monotonic() < end
            flight = flights.flying("key")
            if flight is not None and not flight.is_lost:
                self.join(flights, lambda *_: "", Deadline(0.03))
            time.sleep(0.005)
        assert "2" == answer_of(self.join(flights, lambda _, number: str(number), Deadline(10)))
        gate.set()
        assert "True" == answer_of(hung)
