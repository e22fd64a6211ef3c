"""A Lambda environment is frozen between two invocations: a real process that reads is stopped."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

import pytest

from examples.aws_lambda.extension import Extension

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys, time
from secretsource import SecretSourceError, default_store

for line in sys.stdin:
    started = time.monotonic()
    try:
        secret = default_store().get("pepipost/api_key")
        said = {"value": secret.value.reveal(), "stale": secret.stale}
    except SecretSourceError as error:
        said = {"error": type(error).__name__, "words": str(error)}
    print(json.dumps(said | {"took": time.monotonic() - started}), flush=True)
"""
CONFIG = """
chain = ["env", "aws"]
ttl = {ttl}
max_stale = {max_stale}
timeout = 1

[resolvers.aws]
transport = "lambda"
"""


class Held(Extension):
    """An extension whose answers can be kept back, and whose connections can be cut."""

    def __init__(self) -> None:
        super().__init__("pepipost", {"api_key": secrets.token_hex(16)})
        self.starting = False
        self._let = threading.Event()
        self._let.set()
        self.asked = threading.Event()

    def hold(self) -> None:
        """Keep the answers back from now on."""
        self.asked.clear()
        self._let.clear()

    def cut(self) -> None:
        """Close the connections whose answers are kept back, and answer as always from now on."""
        self._cutting = True
        self._let.set()
        time.sleep(0.1)
        self._cutting = False

    _cutting = False

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.set()
        self._let.wait(30)
        if self._cutting:
            request.close_connection = True
            return
        if self.starting:
            body = b"not ready to serve traffic, please wait"
            request.send_response(400)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
            return
        super().answer(request)

    def rotated(self) -> str:
        self.rotate({"api_key": secrets.token_hex(16)})
        return self.value

    @property
    def value(self) -> str:
        return self.fields["api_key"]

    def __repr__(self) -> str:
        return "Held()"


class Environment:
    """A process that waits for invocations, and can be frozen."""

    def __init__(self, folder: Path, port: int) -> None:
        theirs = {
            "AWS_SESSION_TOKEN": secrets.token_hex(8),
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port),
            "PYTHONPATH": str(ROOT),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env=os.environ | theirs,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def invoke(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def extension() -> Iterator[Held]:
    with Held() as extension:
        yield extension


def environment(folder: Path, extension: Held, *, ttl: float = 1.5, max_stale: float = 900) -> Environment:
    (folder / "secretsource.toml").write_text(CONFIG.format(ttl=ttl, max_stale=max_stale))
    return Environment(folder, extension.port)


def invoke_until(function: Environment, value: str) -> str:
    """Invoke until that value comes, but not for ever; return the last one."""
    end = time.monotonic() + 10
    while (said := function.invoke()).get("value") != value and time.monotonic() < end:
        time.sleep(0.1)
    return str(said.get("value"))


def begin_a_refresh(function: Environment, extension: Held) -> str:
    """Read until a refresh is under way in the background; return the value. The extension keeps its answer back."""
    first = extension.value
    assert first == invoke_until(function, first)
    extension.hold()
    while not extension.asked.is_set():
        assert first == function.invoke().get("value"), "the refresh is in the background"
        time.sleep(0.02)
    return first


def test_time_in_the_freezer_counts(tmp_path: Path, extension: Held) -> None:
    with environment(tmp_path, extension, ttl=1) as function:
        assert extension.value == function.invoke()["value"]
        function.freeze()
        newer = extension.rotated()
        time.sleep(1.2)
        function.thaw()
        said = function.invoke()
    assert (newer, False) == (said["value"], said["stale"])


def test_a_refresh_that_was_frozen_within_its_deadline_goes_on(tmp_path: Path, extension: Held) -> None:
    with environment(tmp_path, extension) as function:
        begin_a_refresh(function, extension)
        function.freeze()
        newer = extension.rotated()
        extension.cut()
        time.sleep(0.3)
        function.thaw()
        said = function.invoke()
    assert newer == said.get("value"), said
    assert said["took"] < 1


def test_a_refresh_that_was_frozen_past_its_deadline_costs_no_error_and_old_values_for_a_moment_at_most(
    tmp_path: Path, extension: Held
) -> None:
    with environment(tmp_path, extension) as function:
        first = begin_a_refresh(function, extension)
        function.freeze()
        newer = extension.rotated()
        extension.cut()
        time.sleep(1.8)
        function.thaw()
        said = function.invoke()
        assert (said.get("value"), said.get("stale")) in {(newer, False), (first, True)}, said
        assert said["took"] < 1
        assert newer == invoke_until(function, newer)


def test_nor_an_error_where_no_old_value_may_be_served(tmp_path: Path, extension: Held) -> None:
    with environment(tmp_path, extension, max_stale=0) as function:
        begin_a_refresh(function, extension)
        function.freeze()
        newer = extension.rotated()
        extension.cut()
        time.sleep(1.8)
        function.thaw()
        said = function.invoke()
    assert newer == said.get("value"), said


def test_if_the_extension_does_not_answer_after_the_thaw_the_last_value_is_served(
    tmp_path: Path, extension: Held
) -> None:
    with environment(tmp_path, extension) as function:
        first = begin_a_refresh(function, extension)
        function.freeze()
        time.sleep(1.8)
        function.thaw()
        said = function.invoke()
        assert (first, True) == (said.get("value"), said.get("stale")), said
        newer = extension.rotated()
        extension.cut()
        assert newer == invoke_until(function, newer)


def test_but_no_longer_than_max_stale(tmp_path: Path, extension: Held) -> None:
    with environment(tmp_path, extension, ttl=0.5, max_stale=0.5) as function:
        assert extension.value == function.invoke()["value"]
        function.freeze()
        extension.hold()
        time.sleep(1.2)
        function.thaw()
        assert "DeadlineExceeded" == function.invoke()["error"]


def test_nothing_is_asked_between_two_invocations(tmp_path: Path, extension: Held) -> None:
    with environment(tmp_path, extension, ttl=0.5) as function:
        function.invoke()
        time.sleep(1.2)
        assert 1 == extension.requests


def test_a_read_before_the_function_has_started_says_where_to_read(tmp_path: Path, extension: Held) -> None:
    extension.starting = True
    with environment(tmp_path, extension) as function:
        said = function.invoke()
        assert "BackendUnavailable" == said["error"]
        assert "it serves when the function has started; read in its handler" in said["words"]
        extension.starting = False
        assert extension.value == function.invoke()["value"]
