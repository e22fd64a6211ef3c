"""Using a secret that may be refused: once more with the new value, and never more than that."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest

import secretsource
from secretsource import Secret
from secretsource._attempts import On
from secretsource._default import replace_default_store
from secretsource._masked import MaskedStr
from secretsource.errors import AccessDenied, SecretNotFound
from secretsource.resolvers import Document
from tests.contract.worlds import World, down
from tests.fakes import Gate, in_threads, outcome


class RefusedError(Exception):
    """What a server's client raises."""


class OtherRefusalError(Exception):
    """What another one raises."""


class Server:
    """Accepts one version."""

    def __init__(self, world: World, version: str) -> None:
        self.world = world
        self.accepts = version
        self.asked: list[str | None] = []

    def log_in(self, secret: Secret, error: type[BaseException] = RefusedError) -> str:
        self.asked.append(secret.version)
        if secret.version != self.accepts:
            raise error("refused")
        return f"in with {secret.version}"


@pytest.fixture
def world() -> World:
    world = World()
    world.rotate("a", "1")
    world.store.get("a")
    world.backend.calls.clear()
    return world


@pytest.fixture
def rotated(world: World) -> Server:
    world.rotate("a", "2")
    return Server(world, "2")


@pytest.fixture
def wrong(world: World) -> Server:
    return Server(world, "of nobody")


def use(server: Server, on: On = RefusedError, error: type[BaseException] = RefusedError) -> str:
    result = "nothing"
    for attempt in server.world.store.attempts("a", on=on):
        with attempt as secret:
            result = server.log_in(secret, error)
    return result


async def ause(server: Server, error: type[BaseException] = RefusedError) -> str:
    result = "nothing"
    async for attempt in server.world.store.attempts("a", on=RefusedError):
        async with attempt as secret:
            result = server.log_in(secret, error)
    return result


BOTH = pytest.mark.parametrize("use", [use, lambda server: asyncio.run(ause(server))], ids=["sync", "async"])


@BOTH
def test_a_value_that_works_is_used_once(world: World, use: Callable[[Server], str]) -> None:
    server = Server(world, "1")
    assert "in with 1" == use(server)
    assert (["1"], 0) == (server.asked, world.calls)


@BOTH
def test_a_rotated_value_is_used_once_more(rotated: Server, use: Callable[[Server], str]) -> None:
    assert "in with 2" == use(rotated)
    assert (["1", "2"], 1) == (rotated.asked, rotated.world.calls)


@BOTH
def test_the_same_value_is_not_tried_again(wrong: Server, use: Callable[[Server], str]) -> None:
    with pytest.raises(RefusedError):
        use(wrong)
    assert ["1"] == wrong.asked


@BOTH
def test_there_are_two_attempts_at_most(wrong: Server, use: Callable[[Server], str]) -> None:
    numbers = iter(range(2, 100))
    wrong.world.backend.says["a"] = lambda *_: Document(value=token_hex(8), version=str(next(numbers)))
    with pytest.raises(RefusedError):
        use(wrong)
    assert ["1", "2"] == wrong.asked


@BOTH
def test_32_users_cause_one_refresh(rotated: Server, use: Callable[[Server], str]) -> None:
    gate = Gate(Document(value="x", version="2"))
    rotated.world.backend.says["a"] = gate
    threading.Timer(0.1, gate.open).start()
    assert {"in with 2"} == set(in_threads(32, lambda: use(rotated)))
    assert 1 == rotated.world.calls


@BOTH
def test_a_key_that_stays_wrong_costs_one_call_in_five_seconds(
    wrong: Server, use: Callable[[Server], str]
) -> None:
    for _ in range(10):
        assert isinstance(outcome(lambda: use(wrong)), RefusedError)
    assert 1 == wrong.world.calls
    wrong.world.clock.advance(5)
    outcome(lambda: use(wrong))
    assert 2 == wrong.world.calls


@BOTH
def test_what_is_raised_is_the_exception_of_the_block_with_a_note(
    wrong: Server, use: Callable[[Server], str]
) -> None:
    wrong.world.backend.says["a"] = down()
    with pytest.raises(RefusedError, match="refused") as caught:
        use(wrong)
    assert ["the secret was refused, and there is no other: BackendUnavailable"] == [
        note.split(": '")[0] for note in caught.value.__notes__
    ]
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@BOTH
def test_a_denial_at_the_refresh_is_in_the_note(wrong: Server, use: Callable[[Server], str]) -> None:
    wrong.world.backend.says["a"] = AccessDenied()
    with pytest.raises(RefusedError) as caught:
        use(wrong)
    assert "AccessDenied" in caught.value.__notes__[0]


class TestWhatMeansRefused:
    def test_a_tuple(self, rotated: Server) -> None:
        assert "in with 2" == use(rotated, (OtherRefusalError, RefusedError))

    def test_a_function(self, rotated: Server) -> None:
        assert "in with 2" == use(rotated, lambda error: str(error) == "refused")

    def test_a_base_class(self, rotated: Server) -> None:
        assert "in with 2" == use(rotated, Exception)

    @pytest.mark.parametrize("on", [OtherRefusalError, (OtherRefusalError, OSError), lambda error: False])
    def test_another_exception_passes_and_asks_nobody(self, rotated: Server, on: On) -> None:
        with pytest.raises(RefusedError):
            use(rotated, on)
        assert (["1"], 0) == (rotated.asked, rotated.world.calls)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
    def test_what_is_no_exception_of_a_program_passes(
        self, rotated: Server, error: type[BaseException]
    ) -> None:
        def all_of_them(_: object) -> bool:
            return True

        with pytest.raises(error):
            use(rotated, all_of_them, error)
        assert (["1"], 0) == (rotated.asked, rotated.world.calls)

    @pytest.mark.parametrize(
        "on",
        [
            None,
            "Refused",
            (),
            (RefusedError, "x"),
            RefusedError("x"),
            [RefusedError],
            int,
            (int,),
            KeyboardInterrupt,
        ],
    )
    def test_anything_else_is_a_mistake_at_once(self, world: World, on: Any) -> None:
        with pytest.raises(TypeError, match="on must be"):
            world.store.attempts("a", on=on)

    def test_what_a_function_raises_is_raised(self, rotated: Server) -> None:
        with pytest.raises(ZeroDivisionError):
            use(rotated, lambda error: bool(1 / 0))


class TestReject:
    """Where an answer, and no exception, says that the secret was refused."""

    def test_it_leads_to_another_attempt(self, rotated: Server) -> None:
        used = []
        for attempt in rotated.world.store.attempts("a", on=RefusedError):
            with attempt as secret:
                used.append(secret.version)
                if secret.version != "2":
                    attempt.reject()
        assert ["1", "2"] == used

    async def test_in_coroutines_too(self, rotated: Server) -> None:
        used = []
        async for attempt in rotated.world.store.attempts("a", on=RefusedError):
            async with attempt as secret:
                used.append(secret.version)
                attempt.reject()
        assert ["1", "2"] == used

    def reject_all(self, server: Server) -> list[str | None]:
        """Refuse whatever comes, and return what came."""
        used = []
        for attempt in server.world.store.attempts("a", on=RefusedError):
            with attempt as secret:
                used.append(secret.version)
                attempt.reject()
        return used

    def test_without_another_value_the_loop_ends(self, wrong: Server) -> None:
        assert ["1"] == self.reject_all(wrong)

    def test_what_the_block_raises_then_changes_nothing(self, rotated: Server) -> None:
        """As `raise_for_status` does after a status of 401."""
        used = []
        for attempt in rotated.world.store.attempts("a", on=RefusedError):
            with attempt as secret:
                used.append(secret.version)
                if secret.version == "1":
                    attempt.reject()
                    raise OtherRefusalError
        assert ["1", "2"] == used

    def raise_after_all(self, server: Server, error: type[BaseException]) -> None:
        """Refuse whatever comes, and raise then."""
        for attempt in server.world.store.attempts("a", on=RefusedError):
            with attempt:
                attempt.reject()
                raise error

    def test_without_another_value_what_the_block_raises_is_raised(self, wrong: Server) -> None:
        with pytest.raises(OtherRefusalError):
            self.raise_after_all(wrong, OtherRefusalError)

    def test_ctrl_c_goes_before_it(self, rotated: Server) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.raise_after_all(rotated, KeyboardInterrupt)
        assert 0 == rotated.world.calls

    def test_an_outage_at_the_refresh_leaves_the_answer_as_it_is(self, wrong: Server) -> None:
        wrong.world.backend.says["a"] = down()
        assert ["1"] == self.reject_all(wrong)


class TestLoop:
    def test_an_attempt_must_be_used_in_a_with_block(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="with block"):
            for _ in world.store.attempts("a", on=RefusedError):
                pass

    async def test_in_coroutines_too(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="with block"):
            async for _ in world.store.attempts("a", on=RefusedError):
                pass

    def test_a_return_in_the_block_ends_it(self, world: World) -> None:
        def first() -> str | None:
            for attempt in world.store.attempts("a", on=RefusedError):
                with attempt as secret:
                    return secret.version
            return None

        assert "1" == first()

    def test_a_break_in_the_block_ends_it(self, rotated: Server) -> None:
        for attempt in rotated.world.store.attempts("a", on=RefusedError):
            with attempt:
                break
        assert 0 == rotated.world.calls

    def test_it_can_be_kept_and_run_again(self, world: World) -> None:
        loop = world.store.attempts("a", on=RefusedError)
        for version in "12":
            world.change("a", version)
            for attempt in loop:
                with attempt as secret:
                    assert version == secret.version

    def test_nothing_is_read_before_it_begins(self, world: World) -> None:
        world.store.attempts("new", on=RefusedError)
        assert 0 == world.calls

    def test_a_name_that_is_not_there_is_told_by_it(self, world: World) -> None:
        loop = world.store.attempts("new", on=SecretNotFound)
        with pytest.raises(SecretNotFound):
            next(iter(loop))

    async def test_a_cancelled_task_leaves_the_refresh_to_the_others(self, rotated: Server) -> None:
        gate = Gate(Document(value="x", version="2"))
        rotated.world.backend.says["a"] = gate
        one, other = asyncio.create_task(ause(rotated)), asyncio.create_task(ause(rotated))
        await asyncio.to_thread(gate.wait_until_entered)
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
        gate.open()
        assert "in with 2" == await other
        assert 1 == rotated.world.calls


@BOTH
def test_no_value_is_in_what_is_raised(world: World, use: Callable[[Server], str]) -> None:
    values = [world.rotate("a", "1"), token_hex(8)]
    world.store.get("a", refresh=True)
    world.backend.says["a"] = Document(value=values[1], version="2")
    error = outcome(lambda: use(Server(world, "of nobody")))
    assert isinstance(error, RefusedError)
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "secret" in shown
    assert not [value for value in values if value in shown]


def test_an_attempt_in_the_place_of_its_value_is_told_before_it_is_sent(rotated: Server) -> None:
    for attempt in rotated.world.store.attempts("a", on=RefusedError):
        with pytest.raises(RuntimeError, match="with attempt as value"):
            str({"Authorization": f"Bearer {attempt}"})
        break


def test_nothing_of_the_loop_shows_a_value(world: World) -> None:
    value = world.rotate("a", "1")
    world.store.get("a", refresh=True)
    loop = world.store.attempts("a", on=RefusedError)
    for attempt in loop:
        with attempt as secret:
            assert value not in repr([loop, attempt, secret])


def test_the_functions_of_the_module_give_the_value_itself(rotated: Server) -> None:
    replace_default_store(rotated.world.store)
    values = []
    for attempt in secretsource.attempts("a", on=RefusedError):
        with attempt as value:
            assert isinstance(value, MaskedStr)
            values.append(value)
            if len(values) == 1:
                raise RefusedError
    assert 2 == len(set(values))
