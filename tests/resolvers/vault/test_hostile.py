"""Answers and files that are made to mislead, to last or to be large."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from secretsource.errors import AccessDenied, InvalidResponse
from secretsource.resolvers import Deadline
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import (
    APPROLE,
    JSON,
    LOGIN,
    LOOK_UP,
    READ,
    no_environment,
    quick_retries,
    read,
    resolver_of,
    server,
    vault,
)
from tests.servers.faulty import FaultyServer

__all__ = ["no_environment", "quick_retries", "server", "vault"]


def _document(**fields: object) -> str:
    return json.dumps({"data": {"data": fields, "metadata": {"version": 7}}}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("value", "limit"), [("x" * 1000, 1000), ("é" * 500, 1000), ("x" * 1_048_576, 1_048_576)]
)
def test_a_value_of_the_largest_size_is_read(server: FaultyServer, value: str, limit: int) -> None:
    server.answer(200, JSON, _document(key=value), path=READ)

    assert value == read(resolver_of(server, max_bytes=limit), "app/key")


@pytest.mark.parametrize(
    ("value", "limit"),
    [("x" * 1001, 1000), ("é" * 501, 1000), ([1] * 501, 1000), ("x" * 1_048_577, 1_048_576)],
)
def test_a_value_one_byte_larger_is_refused(server: FaultyServer, value: object, limit: int) -> None:
    server.answer(200, JSON, _document(key=value), path=READ)

    with pytest.raises(InvalidResponse, match=f"a value of more than {limit} bytes"):
        read(resolver_of(server, max_bytes=limit), "app/key")


def test_several_values_may_be_larger_together(server: FaultyServer) -> None:
    fields = {f"key{number}": "x" * 1000 for number in range(MAX_BODY_OVERHEAD // 1200)}
    server.answer(200, JSON, _document(**fields), path=READ)

    assert "x" * 1000 == read(resolver_of(server, max_bytes=1000), "app/key7")


@pytest.mark.parametrize(
    "lease", [10**400, 10**4000, True, -1, 1e300], ids=["400", "4000", "true", "-1", "1e300"]
)
def test_no_lease_breaks_a_login(server: FaultyServer, lease: float) -> None:
    server.answer(
        200, JSON, json.dumps({"auth": {"client_token": "s.x", "lease_duration": lease}}), path=LOGIN
    )

    assert "good" == read(resolver_of(server, auth=APPROLE), "app/key")


def test_a_mount_of_a_version_that_is_none_is_no_kv_mount(server: FaultyServer, vault: VaultResolver) -> None:
    data = {"path": "secret/", "type": "kv", "options": {"version": [2]}}
    server.answer(200, JSON, json.dumps({"data": data}), path=LOOK_UP)

    with pytest.raises(InvalidResponse, match="no KV secrets engine"):
        read(vault, "app/key")


@pytest.mark.parametrize("depth", [*range(100, 1100, 50), 100_000])
def test_no_depth_of_nesting_escapes_as_another_error(
    server: FaultyServer, vault: VaultResolver, depth: int
) -> None:
    value = "[" * depth + "]" * depth
    server.answer(200, JSON, _document(key=0).replace("0", value, 1), path=READ)

    with contextlib.suppress(InvalidResponse):
        assert value == read(vault, "app/key")


def test_a_token_file_that_is_a_pipe_is_not_waited_for(server: FaultyServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".vault-token")
    started = time.monotonic()

    with pytest.raises(AccessDenied, match=r"~/\.vault-token cannot be read"):
        read(VaultResolver(address=server.url), "app/key", timeout=2)
    assert time.monotonic() - started < 1


def test_a_token_file_without_end_is_not_read(server: FaultyServer, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_bytes(b"x" * 70_000)

    with pytest.raises(AccessDenied, match=r"~/\.vault-token cannot be read"):
        read(VaultResolver(address=server.url), "app/key")


def test_the_answer_to_a_request_for_another_version_is_broken(
    server: FaultyServer, vault: VaultResolver
) -> None:
    server.answer(200, JSON, _document(key="x"), path=READ)
    location = vault.locate("vault://secret/app?version=3#key")

    with pytest.raises(InvalidResponse, match="another version than the one that was asked for"):
        vault.fetch(location, Deadline(5))
