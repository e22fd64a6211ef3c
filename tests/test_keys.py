from __future__ import annotations

from itertools import product

import pytest

from secretsource._keys import document_key, resolver_of

TEXTS = ["", "a", "=", "?", "-", ":", "1:a", "a=b", "a?b", "--a", "2:=-a"]


def test_a_plain_one_can_be_read() -> None:
    assert "vault=kv/email" == document_key("vault", "kv/email")


def test_no_two_documents_share_one() -> None:
    parts = list(product(["r", "r.x", "r-"], TEXTS, [None, *TEXTS], [None, *TEXTS]))
    assert len(parts) == len({document_key(*each) for each in parts})


@pytest.mark.parametrize("version", [None, *TEXTS])
@pytest.mark.parametrize("address", TEXTS)
def test_it_tells_the_resolver(address: str, version: str | None) -> None:
    assert "my-vault.eu" == resolver_of(document_key("my-vault.eu", address, version))
