"""Whatever is asked for, only paths below mount and prefix reach the server, as the log of a real OpenBao tells."""

from __future__ import annotations

import contextlib
import posixpath
import random
from collections.abc import Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import InvalidReference, ResolverError
from secretsource.resolvers import Location
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import no_environment, quick_retries
from tests.servers.openbao import OpenBao

__all__ = ["no_environment", "quick_retries"]

COUNT = 10_000
LOOK_UP = "sys/internal/ui/mounts/secret/prod/"
PIECES = [
    *(
        "..",
        ".",
        "...",
        "/",
        "//",
        "/../",
        "/./",
        "\\",
        "..\\",
        "%2e%2e",
        "%2E%2E",
        "%252e%252e",
        "%2f",
        "%5c",
        "%00",
    ),
    *(
        "..;",
        "..%00",
        "?",
        "?version=1",
        "?list=true",
        "#",
        "#x",
        "&",
        ";",
        "*",
        "+",
        "$",
        "~",
        "%",
        "%%",
        "%zz",
        "@",
    ),
    *(
        "\0",
        "\n",
        "\r\n",
        "\t",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\ud800",
        " ",
        "\u00a0",
    ),
    *(
        "ä",
        "\uff0e\uff0e",
        "\u2024\u2024",
        "\u2215",
        "\uff0f",
        "\U0001d54f",
        "é",
        "http://x/",
        "://",
        "vault://",
        "=",
        ":",
    ),
    *(
        "sys",
        "mounts",
        "metadata",
        "data",
        "auth/token/lookup-self",
        "secret",
        "prod",
        "a",
        "b",
        "x" * 600,
        "-",
        "_",
    ),
]


@pytest.fixture
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        yield server


def _random_texts(seed: int) -> Iterator[str]:
    choose = random.Random(seed)
    for _ in range(COUNT):
        nasty = PIECES if choose.random() < 0.8 else ["a", "b", "/", ".", "..", "-", "sys", "=", "+", "@"]
        yield "".join(choose.choice(nasty) for _ in range(choose.randint(1, 8)))


def _resolver(bao: OpenBao) -> VaultResolver:
    return VaultResolver(address=bao.url, prefix="prod/", auth={"method": "token", "token": bao.root_token})


def _paths(bao: OpenBao) -> list[str]:
    paths = [record["request"]["path"] for record in bao.audit_records(type="request")]
    return [path for path in paths if path != "auth/token/lookup-self"]  # at the first use of a given token


def test_names_never_leave_mount_and_prefix(bao: OpenBao) -> None:
    vault, located = _resolver(bao), set()
    for text in _random_texts(1):
        if "://" in text:
            continue  # references are the next test's: a prefix does not apply to them
        try:
            location = vault.locate(text, document=len(text) % 2 == 0)
        except InvalidReference:
            continue
        located.add(location.address)
        vault.fetch(location, Deadline(10))
    paths = _paths(bao)
    assert 100 < len(located) < COUNT / 2
    assert [] == [path for path in paths if not path.startswith(("secret/data/prod/", LOOK_UP))]
    assert {f"secret/data/{address.removeprefix('secret/')}" for address in located} == {
        path for path in paths if not path.startswith("sys/")
    }


def test_references_never_leave_the_mounts_of_kv(bao: OpenBao) -> None:
    vault, reads = _resolver(bao), 0
    for text in _random_texts(2):
        with contextlib.suppress(InvalidReference, ResolverError):
            location = vault.locate(f"vault://secret/{text}")
            reads += 1
            vault.fetch(location, Deadline(10))
    look_up = "sys/internal/ui/mounts/secret/"
    assert reads > 100
    assert [] == [path for path in _paths(bao) if not path.startswith(("secret/data/", look_up))]
    assert [] == [path for path in _paths(bao) if posixpath.normpath(path) != path]


def test_locations_made_by_others_reach_exactly_their_path_or_nothing(bao: OpenBao) -> None:
    vault, sent = _resolver(bao), set()
    for text in _random_texts(3):
        address = f"secret/prod/{text}"
        with contextlib.suppress(ResolverError):
            try:
                vault.fetch(Location(address=address), Deadline(10))
            except InvalidReference:
                continue
        sent.add(f"secret/data/prod/{text}")
    reached = {path for path in _paths(bao) if not path.startswith(LOOK_UP)}
    assert len(reached) > 500
    # The server itself refuses some, before its log.
    assert reached <= sent
