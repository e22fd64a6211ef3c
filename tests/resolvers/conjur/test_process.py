"""Processes and imports: nothing is shared over a fork, nothing of the process is changed."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from secretsource._secret import Document
from tests.resolvers.conjur.support import at_once, read, resolver_for, value
from tests.servers.conjur import ConjurServer

ROOT = Path(__file__).parents[3]
NAMES = [f"many/{number}" for number in range(8)]


def in_a_child(server: ConjurServer, resolver: object, rounds: int) -> int:
    """Fork, read in the child, and return the pid; the child's status is the number of wrong answers."""
    pid = os.fork()
    if pid == 0:
        wrong = 255
        try:
            wrong = sum(name != value(resolver, name) for _ in range(rounds) for name in NAMES)
        finally:
            os._exit(wrong)
    return pid


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_children_of_a_warm_parent_read_right_over_connections_of_their_own(
    tls_server: ConjurServer, ca_file: Path
) -> None:
    for name in NAMES:
        tls_server.add_variable(name, value=name.encode(), readers=["alice"])
    resolver = resolver_for(tls_server, ca_file=ca_file)
    value(resolver, NAMES[0])

    children = [in_a_child(tls_server, resolver, 25) for _ in range(4)]
    own = [value(resolver, name) for _ in range(25) for name in NAMES]

    assert [0] * 4 == [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert NAMES * 25 == own
    assert 5 == tls_server.connections


def test_threads_share_at_most_16_kept_connections(
    server: ConjurServer, caplog: pytest.LogCaptureFixture
) -> None:
    resolver = resolver_for(server)
    server.delay = 0.02
    for _ in range(3):
        outcomes = at_once(16, lambda: read(resolver, "pepipost/api_key"))
        assert [Document] * 16 == [type(outcome) for outcome in outcomes]

    assert server.connections <= 17
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_building_one_imports_no_client_and_reading_imports_urllib3_alone(server: ConjurServer) -> None:
    program = f"""
import sys
from secretsource._deadline import Deadline
from secretsource.resolvers.conjur import ConjurResolver
auth = {{"method": "api_key", "login": "alice", "api_key": sys.argv[1]}}
resolver = ConjurResolver(url="{server.url}", account="demo", auth=auth)
heavy = {{"urllib3", "ssl", "asyncio", "http.client", "conjur_api", "aiohttp"}}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
resolver.fetch(resolver.locate("pepipost/api_key"), Deadline(5))
assert "urllib3" in sys.modules
assert not {{"conjur_api", "aiohttp", "asyncio", "requests", "boto3"}} & sys.modules.keys()
"""
    command = [sys.executable, "-W", "error", "-c", program, server.api_key("alice")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("way", ["api_key", "jwt", "stored"])
def test_all_that_is_ever_imported_is_imported_at_the_first_use(
    server: ConjurServer, tmp_path: Path, way: str
) -> None:
    (tmp_path / ".netrc").write_text(
        f"machine {server.url}/authn login alice password {server.api_key('alice')}\n"
    )
    (tmp_path / ".netrc").chmod(0o600)
    server.permit("host/app/ci", ["update"], "pepipost/api_key")
    program = f"""
import os, sys
from secretsource._deadline import Deadline
from secretsource.resolvers.conjur import ConjurResolver
key, jwt, way = sys.argv[1:]
auth = {{
    "api_key": {{"method": "api_key", "login": "alice", "api_key": key}},
    "jwt": {{"method": "jwt", "service_id": "ci", "jwt": jwt}},
    "stored": None,
}}[way]
resolver = ConjurResolver(url="{server.url}", account="demo", auth=auth)
resolver._sessions.get()
before = set(sys.modules)
location, deadline = resolver.locate("pepipost/api_key"), Deadline(10)
resolver.fetch(location, deadline)
resolver.fetch_many([location, resolver.locate("pepipost/unicode")], deadline)
resolver.fetch(resolver.locate("pepipost", document=True), deadline)
resolver.check(deadline)
resolver.put(location, "x", deadline)
resolver.policy_for([location])
assert not set(sys.modules) - before, set(sys.modules) - before
"""
    jwt = server.issue_jwt({"workload": "ci", "repository": "pepipost/mailer"})
    command = [sys.executable, "-W", "error", "-c", program, server.api_key("alice"), jwt, way]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_nothing_of_the_process_is_changed(server: ConjurServer) -> None:
    root = logging.getLogger()
    before = (list(warnings.filters), list(root.handlers), root.level, dict(os.environ))

    value(resolver_for(server), "pepipost/api_key")

    assert before == (list(warnings.filters), list(root.handlers), root.level, dict(os.environ))


def test_the_callers_event_loop_is_left_alone(server: ConjurServer) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        value(resolver_for(server), "pepipost/api_key")
        assert loop is asyncio.get_event_loop_policy().get_event_loop()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
