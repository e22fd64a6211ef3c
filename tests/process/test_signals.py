"""Signals: Ctrl-C ends a wait, and a handler may read wherever the main thread is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process import backends
from tests.process.playing import KINDS, NAME, playing
from tests.process.run import run_program

pytestmark = pytest.mark.timed


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_every_kind_of_wait_in_200_ms_and_the_next_read_works(kind: str) -> None:
    with playing(kind) as server:
        server.answer(times=1)
        server.hang()
        said = run_program("interrupted", server.environ, {"name": NAME}, seconds=60)

    assert all(isinstance(seconds, float) for seconds in said["took"].values()), said
    assert max(said["took"].values()) < 0.2, said
    assert said["warm"] is False


def test_a_handler_reads_while_the_main_thread_is_inside_the_library(tmp_path: Path) -> None:
    with backends.conjur(tmp_path) as backend:
        told = {"values": backend.values, "seconds": 4}
        said = run_program("signalled", backend.environ, told, seconds=60)

    assert ["right"] == list(said["main"])
    assert ["right"] == list(said["handler"])
    assert said["handler"]["right"] > 100
