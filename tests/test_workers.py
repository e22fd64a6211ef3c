from __future__ import annotations

import gc
import itertools
import random
import threading
import time
import weakref
from functools import partial

import pytest

from secretsource import _workers
from secretsource._workers import Workers
from tests.fakes import eventually, in_threads
from tests.worker_threads import idle_threads_end_soon, no_thread, worker_threads

__all__ = ["idle_threads_end_soon"]


class TestWorkers:
    def test_nothing_is_started_before_the_first_task(self) -> None:
        Workers(4)
        assert [] == worker_threads()

    def test_a_task_runs_on_a_daemon_thread(self) -> None:
        ran: list[threading.Thread] = []
        done = threading.Event()
        assert Workers(4).submit(lambda: (ran.append(threading.current_thread()), done.set())[0], "one")
        assert done.wait(5)
        assert ran[0].daemon

    def test_an_idle_thread_takes_the_next_task(self) -> None:
        workers = Workers(4)
        for _ in range(5):
            done = threading.Event()
            workers.submit(done.set, "one")
            assert done.wait(5)
            assert eventually(lambda: workers._idle == 1)
        assert 1 == len(worker_threads())

    def test_no_more_threads_run_than_the_limit(self) -> None:
        workers, gate, most = Workers(3), threading.Event(), []
        running = threading.Semaphore(0)

        def task() -> None:
            running.release()
            gate.wait(10)
            most.append(len(worker_threads()))

        for _ in range(9):
            workers.submit(task, "one")
        for _ in range(3):
            assert running.acquire(timeout=5)
        assert not running.acquire(timeout=0.05)
        gate.set()
        assert eventually(lambda: len(most) == 9)
        assert 3 == max(most)

    def test_two_tasks_at_once_do_not_count_on_the_same_idle_thread(self) -> None:
        workers, gate, running = Workers(4), threading.Event(), threading.Semaphore(0)
        first = threading.Event()
        workers.submit(first.set, "one")
        assert first.wait(5)
        assert eventually(lambda: workers._idle == 1)
        with workers._lock:  # so that the idle thread takes neither before both are there
            for _ in range(2):
                workers.submit(lambda: (running.release(), gate.wait(10))[0], "one")
        for _ in range(2):
            assert running.acquire(timeout=5)
        gate.set()

    def test_tasks_start_in_the_order_they_came(self) -> None:
        workers, gate, order = Workers(1), threading.Event(), []
        workers.submit(lambda: gate.wait(10) and None, "one")
        for number in range(20):
            workers.submit(lambda number=number: order.append(number), "one")
        gate.set()
        assert eventually(lambda: len(order) == 20)
        assert list(range(20)) == order

    def test_idle_threads_end_by_themselves(self) -> None:
        workers = Workers(4)
        gate = threading.Event()
        for _ in range(4):
            workers.submit(lambda: gate.wait(10) and None, "one")
        assert eventually(lambda: 4 == len(worker_threads()))
        gate.set()
        assert eventually(lambda: not worker_threads())
        assert (0, 0) == (workers._count(), workers._idle)

    def test_idle_threads_that_are_released_end_at_once_and_others_after_their_task(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_workers, "_IDLE_SECONDS", 60)
        workers, gate, done = Workers(4), threading.Event(), threading.Event()
        for _ in range(3):
            workers.submit(lambda: gate.wait(10) and None, "one")
        assert eventually(lambda: 3 == workers._running["one"])
        gate.set()
        assert eventually(lambda: workers._count() == workers._idle)
        workers.release()
        assert eventually(lambda: not worker_threads())
        assert (0, 0) == (workers._count(), workers._idle)
        workers.submit(done.set, "one")
        assert done.wait(5)
        assert eventually(lambda: 1 == workers._idle)
        workers.release()

    def test_a_task_that_comes_with_a_release_is_done(self) -> None:
        workers, done = Workers(2), list[int]()
        for number in range(300):
            workers.submit(partial(done.append, number), "one")
            workers.release()
        assert eventually(lambda: list(range(300)) == sorted(done))

    def test_an_idle_thread_keeps_no_finished_task_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Task:
            def __call__(self) -> None:
                done.set()

        monkeypatch.setattr(_workers, "_IDLE_SECONDS", 1.5)
        workers, done, task = Workers(1), threading.Event(), Task()
        dead = weakref.ref(task)
        workers.submit(task, "one")
        del task
        assert done.wait(5)
        assert eventually(lambda: gc.collect() >= 0 and dead() is None, within=0.7)

    def test_a_task_is_refused_when_no_thread_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        workers, ran = Workers(2), threading.Event()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            assert not workers.submit(ran.set, "one")
        assert (0, 0, {"one": 0}) == (workers._count(), workers._idle, workers._running)
        done = threading.Event()
        assert workers.submit(done.set, "one")
        assert done.wait(5)
        assert ran.is_set()  # whoever submits decides what that is worth by then

    def test_a_busy_thread_takes_a_task_for_which_none_can_be_started(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workers, gate = Workers(4), threading.Event()
        ran: list[int] = []
        started = threading.Event()
        workers.submit(lambda: (started.set(), gate.wait(10))[0], "one")
        assert started.wait(5)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            for number in range(3):
                assert workers.submit(lambda number=number: ran.append(number), "one")
        assert 1 == workers._count()
        gate.set()
        assert eventually(lambda: [0, 1, 2] == ran)

    def test_a_signal_handler_may_submit_while_a_thread_is_started(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workers, ran = Workers(4), []
        real_start = threading.Thread.start
        handler = [lambda: workers.submit(lambda: ran.append("handler"), "one")]

        def interrupted_start(self: threading.Thread) -> None:
            if handler:
                handler.pop()()
            real_start(self)

        monkeypatch.setattr(threading.Thread, "start", interrupted_start)
        workers.submit(lambda: ran.append("interrupted"), "one")
        assert eventually(lambda: ["handler", "interrupted"] == sorted(ran))

    @pytest.mark.parametrize("seed", range(4))
    def test_no_task_is_lost_and_no_thread_miscounted_under_stress(
        self, seed: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_workers, "_IDLE_SECONDS", 0.002)
        real_start = threading.Thread.start
        chance = random.Random(seed)
        flaky = chance.random

        def start(self: threading.Thread) -> None:
            if self.name == "secretsource-fetch" and flaky() < 0.2:
                raise RuntimeError("can't start new thread")
            real_start(self)

        monkeypatch.setattr(threading.Thread, "start", start)
        limit = chance.randint(1, 5)
        workers, ran, most = Workers(limit), [], [0]
        lock = threading.Lock()
        running = 0

        def task(number: int, seconds: float) -> None:
            nonlocal running
            with lock:
                running += 1
                most[0] = max(most[0], running)
            time.sleep(seconds)
            with lock:
                running -= 1
                ran.append(number)

        numbers = itertools.count()

        def submitter() -> set[int]:
            mine, taken = random.Random(chance.random()), set()
            for number in itertools.islice(numbers, 60):
                pause = mine.choice([0, 0, 0.0005, 0.003])
                if workers.submit(partial(task, number, pause), "one"):
                    taken.add(number)
                time.sleep(mine.choice([0, 0, 0.001, 0.004]))
            return taken

        taken = set().union(*in_threads(4, submitter))
        assert eventually(lambda: taken <= set(ran))
        assert len(ran) == len(set(ran))
        assert most[0] <= limit
        assert eventually(lambda: (0, 0, 0) == (workers._count(), workers._idle, workers._running["one"]))


class TestLanes:
    def stuck(self, workers: Workers, lane: str, count: int) -> tuple[threading.Event, list[str]]:
        gate, began = threading.Event(), []
        for _ in range(count):
            workers.submit(lambda: (began.append(lane), gate.wait(20))[0] and None, lane)
        return gate, began

    def test_a_lane_that_hangs_leaves_threads_to_the_others(self) -> None:
        workers = Workers(16, ["one", "two", "three"])
        gate, began = self.stuck(workers, "one", 50)
        assert eventually(lambda: len(began) == 12)
        for lane in ("two", "three"):
            done = threading.Event()
            assert workers.submit(done.set, lane)
            assert done.wait(5)
        assert 12 == len(began)
        gate.set()
        assert eventually(lambda: len(began) == 50)

    def test_the_last_lane_has_its_share_when_all_others_hang(self) -> None:
        workers = Workers(4, ["one", "two", "three", "four"])
        gates = [self.stuck(workers, lane, 9) for lane in ("one", "two", "three")]
        assert eventually(lambda: 3 == sum(len(began) for _, began in gates))
        done = threading.Event()
        assert workers.submit(done.set, "four")
        assert done.wait(5)
        for gate, _ in gates:
            gate.set()
        assert eventually(lambda: 27 == sum(len(began) for _, began in gates))

    def test_one_lane_alone_takes_all_threads(self) -> None:
        workers = Workers(3, ["one"])
        gate, began = self.stuck(workers, "one", 5)
        assert eventually(lambda: 3 == len(began))
        gate.set()
        assert eventually(lambda: 5 == len(began))

    def test_a_lane_that_is_not_known_yet_gets_the_next_free_thread(self) -> None:
        workers = Workers(2, ["one"])
        gate, began = self.stuck(workers, "one", 3)
        assert eventually(lambda: 2 == len(began))
        order: list[str] = []
        workers.submit(lambda: order.append("new"), "new")
        gate.set()
        assert eventually(lambda: ["new"] == order and 3 == len(began))

    def test_more_lanes_than_threads_all_get_their_turn(self) -> None:
        workers, ran = Workers(1, "abcdef"), []
        for lane in "abcdef" * 3:
            assert workers.submit(lambda lane=lane: ran.append(lane), lane)
        assert eventually(lambda: 18 == len(ran))
        assert eventually(lambda: {0} == set(workers._running.values()))


class TestInterruptions:
    """A caller may be interrupted at any moment: what it submitted, or what others do, must not hang on it."""

    def test_a_task_that_nobody_came_for_is_done_with_the_next_nudge(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workers, done = Workers(2), threading.Event()

        def interrupted(lane: str) -> bool:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(workers, "nudge", interrupted)
            with pytest.raises(KeyboardInterrupt):
                workers.submit(done.set, "one")
        assert not done.wait(0.05)
        workers.nudge("one")
        assert done.wait(5)

    def test_a_start_that_is_interrupted_takes_no_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        workers, done = Workers(1), threading.Event()

        def interrupted(self: threading.Thread) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", interrupted)
            with pytest.raises(KeyboardInterrupt):
                workers.submit(done.set, "one")
        assert eventually(lambda: workers.nudge("one") and done.is_set())

    def test_a_task_that_raises_gives_its_place_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        workers = Workers(1)
        for _ in range(3):
            workers.submit(lambda: 1 / 0 and None, "one")
        done = threading.Event()
        assert eventually(lambda: workers.submit(done.set, "one") and done.is_set())
        assert eventually(lambda: 0 == workers._running["one"])
