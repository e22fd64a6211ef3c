"""The servers that other tests stand on do what those tests believe."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.servers import _process
from tests.servers._http import request
from tests.servers._process import LOOPBACK, Process, StartError, free_port
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao, OpenBaoError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        yield server


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture
def canary() -> str:
    return secrets.token_urlsafe(16)


def test_openbao_returns_the_document_that_was_written(bao: OpenBao, canary: str) -> None:
    version = bao.put("secret", "email/pepipost", {"api_key": canary})

    answer = bao.api("GET", "secret/data/email/pepipost")

    assert (200, 1) == (answer.status, version)
    assert {"api_key": canary} == answer.body["data"]["data"]


def test_openbao_counts_versions(bao: OpenBao) -> None:
    assert [1, 2] == [bao.put("secret", "twice", {"n": n}) for n in range(2)]


def test_openbao_serves_a_version_1_mount(bao: OpenBao, canary: str) -> None:
    bao.mount("old", "kv", {"version": "1"})
    bao.put_v1("old", "db", {"password": canary})

    assert {"password": canary} == bao.api("GET", "old/db").body["data"]


def test_openbao_serves_a_second_version_2_mount_at_once(bao: OpenBao, canary: str) -> None:
    bao.mount("team", "kv", {"version": "2"})
    bao.put("team", "db", {"password": canary})

    assert {"password": canary} == bao.api("GET", "team/data/db").body["data"]["data"]


def test_openbao_keeps_namespaces_apart(bao: OpenBao, canary: str) -> None:
    bao.namespace("tenant")
    bao.mount("secret", "kv", {"version": "2"}, namespace="tenant")
    bao.put("secret", "only/here", {"value": canary}, namespace="tenant")

    assert 200 == bao.api("GET", "secret/data/only/here", namespace="tenant").status
    assert 404 == bao.api("GET", "secret/data/only/here").status


def test_openbao_holds_a_token_to_its_policy(bao: OpenBao) -> None:
    bao.put("secret", "mine", {"value": "1"})
    bao.put("secret", "other", {"value": "2"})
    bao.policy("reader", 'path "secret/data/mine" { capabilities = ["read"] }')
    token = bao.token(["reader"])

    assert 200 == bao.api("GET", "secret/data/mine", token=token).status
    assert 403 == bao.api("GET", "secret/data/other", token=token).status
    assert 403 == bao.api("GET", "secret/data/mine", token="").status


def test_openbao_refuses_a_revoked_token(bao: OpenBao) -> None:
    token = bao.token(["default"])
    assert 200 == bao.api("GET", "auth/token/lookup-self", token=token).status

    bao.revoke(token)

    assert 403 == bao.api("GET", "auth/token/lookup-self", token=token).status


def test_openbao_lets_an_approle_log_in(bao: OpenBao) -> None:
    role_id, secret_id = bao.approle("app", ["default"], token_ttl="30s")
    login = {"role_id": role_id, "secret_id": secret_id}

    assert 30 == bao.api("POST", "auth/approle/login", login, token="").body["auth"]["lease_duration"]
    assert 400 == bao.api("POST", "auth/approle/login", login | {"secret_id": "wrong"}, token="").status


def test_openbao_makes_a_second_approle(bao: OpenBao) -> None:
    assert bao.approle("first", ["default"])[0] != bao.approle("second", ["default"])[0]


def test_openbao_audit_shows_a_read_by_its_path_and_not_its_value(bao: OpenBao, canary: str) -> None:
    bao.put("secret", "audited", {"value": canary})
    bao.clear_audit()
    assert [] == bao.audit_records()

    bao.api("GET", "secret/data/audited")

    requests = [record["request"] for record in bao.audit_records(type="request")]
    seen = [(sent["operation"], sent["path"]) for sent in requests]
    assert [("read", "secret/data/audited")] == seen
    assert canary not in repr(bao.audit_records())
    assert bao.root_token not in repr(bao.audit_records())


def test_openbao_says_what_a_preparation_failed_with(bao: OpenBao) -> None:
    with pytest.raises(OpenBaoError, match="404"):
        bao.put("no-such-mount", "x", {})


def test_openbao_without_audit_has_no_records_and_answers_503_once_sealed() -> None:
    with OpenBao() as server:
        with pytest.raises(OpenBaoError, match="audit=True"):
            server.audit_records()
        server.seal()
        assert 503 == server.api("GET", "secret/data/x").status


def test_openbao_is_gone_after_stop_and_stop_can_be_repeated() -> None:
    server = OpenBao(audit=True)
    server.stop()
    server.stop()

    with pytest.raises(ConnectionRefusedError):
        server.api("GET", "sys/health")


def test_two_openbaos_live_side_by_side(bao: OpenBao) -> None:
    with OpenBao() as other:
        assert bao.url != other.url
        assert 403 == other.api("GET", "secret/config", token=bao.root_token).status


def test_moto_returns_the_secret_that_was_created(moto: Moto, canary: str) -> None:
    client = moto.client()
    try:
        created = client.create_secret(Name="prod/email", SecretString=canary)
        read = client.get_secret_value(SecretId="prod/email")
    finally:
        client.close()

    assert canary == read["SecretString"]
    assert created["VersionId"] == read["VersionId"]


def test_moto_forgets_on_reset(moto: Moto) -> None:
    client = moto.client()
    try:
        client.create_secret(Name="passing", SecretString="x")
        moto.reset()
        assert [] == client.list_secrets()["SecretList"]
    finally:
        client.close()


def test_moto_environ_leads_an_ordinary_client_to_the_server(
    moto: Moto, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto.environ.items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client("secretsmanager")
    try:
        client.create_secret(Name="by/environ", SecretBinary=canary.encode())
        assert canary.encode() == client.get_secret_value(SecretId="by/environ")["SecretBinary"]
        assert moto.url == client.meta.endpoint_url
    finally:
        client.close()


def test_moto_is_gone_after_stop_and_stop_can_be_repeated() -> None:
    server = Moto()
    server.stop()
    server.stop()

    with pytest.raises(ConnectionRefusedError):
        request("GET", server.url)


def test_ports_in_a_row_are_not_given_out_when_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port(count=3)
    monkeypatch.setattr(_process, "_PORTS", range(first, first + 1))
    assert first == free_port(count=3)

    with socket.create_server((LOOPBACK, first + 1)), pytest.raises(StartError, match="3 free ports"):
        free_port(count=3)


def test_a_start_that_fails_shows_what_the_child_printed() -> None:
    process = Process([sys.executable, "-c", "print('no such option'); raise SystemExit(2)"])

    with pytest.raises(StartError, match="ended at once; it printed:\nno such option"):
        process.wait_until(lambda: False)


def test_a_start_that_takes_too_long_ends_the_child() -> None:
    process = Process([sys.executable, "-c", "import time; time.sleep(60)"])

    with pytest.raises(StartError, match="was not ready in time"):
        process.wait_until(lambda: False, timeout=0.3)
    assert not process.running


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_children_die_with_a_test_process_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(60)"
    parent = f"""
import sys, time
from tests.servers._process import Process
process = Process([sys.executable, "-c", {child!r}, {str(pid_file)!r}])
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT) as killed:
        _eventually(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
        killed.send_signal(signal.SIGKILL)

    pid = int(pid_file.read_text())
    _eventually(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody collects orphans, as in some containers, a dead one stays listed.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def _eventually(condition: Callable[[], bool], *, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
