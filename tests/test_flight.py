from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import pytest

from secretsource import _workers
from secretsource._deadline import Deadline
from secretsource._flight import Flight, Flights
from secretsource._workers import Workers

not_ours: set[threading.Thread] = set()  # of other tests, whose threads still wait for a task


def worker_threads() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.name == "secretsource-fetch" and thread not in not_ours
    ]


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture(autouse=True)
def idle_threads_end_soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    not_ours.update(threading.enumerate())
    monkeypatch.setattr(_workers, "_IDLE_SECONDS", 0.1)
    yield
    assert eventually(lambda: not worker_threads())


def no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


class TestFlights:
    def flights(self, limit: int = 4) -> Flights[str]:
        return Flights(Workers(limit), "grounded")

    def join(
        self,
        flights: Flights[str],
        fetch: Callable[[Deadline, int], str],
        deadline: Deadline,
        *,
        fresh: bool = False,
    ) -> Future[str]:
        flight, is_new = flights.book("key", deadline, fresh=fresh)
        assert isinstance(flight, Flight)
        if is_new:
            flights.depart([flight], "lane", lambda until, numbers: [fetch(until, numbers[0])])
        return flight.future

    def test_callers_of_one_key_share_one_fetch(self) -> None:
        flights, gate, calls = self.flights(), threading.Event(), []

        def fetch(deadline: Deadline, number: int) -> str:
            calls.append(number)
            gate.wait(10)
            return "answer"

        futures = [self.join(flights, fetch, Deadline(10)) for _ in range(50)]
        gate.set()
        assert {"answer"} == {future.result(5) for future in futures}
        assert [1] == calls

    def test_a_flight_that_has_landed_is_not_joined(self) -> None:
        flights = self.flights()
        first = self.join(flights, lambda _, number: str(number), Deadline(10))
        assert "1" == first.result(5)
        assert "2" == self.join(flights, lambda _, number: str(number), Deadline(10)).result(5)

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
        assert ["1", "2"] == [first.result(5), second.result(5)]

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
        future.result(5)
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
            assert ["1", "2"] == [first.result(5), second.result(5)]

    def test_a_disowned_flight_that_lands_leaves_the_newer_one_to_be_joined(self) -> None:
        flights, gates = self.flights(), [threading.Event(), threading.Event()]

        def fetch(deadline: Deadline, number: int) -> str:
            gates[min(number, 2) - 1].wait(10)
            return str(number)

        first = self.join(flights, fetch, Deadline(10))
        flights.disown()
        second = self.join(flights, fetch, Deadline(10))
        gates[0].set()
        assert "1" == first.result(5)
        assert self.join(flights, fetch, Deadline(10)) is second
        gates[1].set()
        assert "2" == second.result(5)

    def test_cancelling_a_future_does_not_cancel_the_flight(self) -> None:
        flights, gate = self.flights(), threading.Event()
        future = self.join(flights, lambda *_: str(gate.wait(10)), Deadline(10))
        assert not future.cancel()
        gate.set()
        assert "True" == future.result(5)

    def test_without_a_thread_everybody_gets_the_grounded_answer_and_the_next_flight_takes_off(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flights = self.flights()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            assert "grounded" == self.join(flights, lambda *_: "answer", Deadline(10)).result(5)
        assert "answer" == self.join(flights, lambda *_: "answer", Deadline(10)).result(5)

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
        assert ["1", "2", "3"] == [flight.future.result(5) for flight in booked]
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
        assert "2" == self.join(flights, lambda _, number: str(number), Deadline(10)).result(5)
        gate.set()
        assert "True" == hung.result(5)
