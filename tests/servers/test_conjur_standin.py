"""The Conjur stand-in answers as a real Conjur did."""

import base64
import json
from typing import Any

import pytest

from .conjur.recordings import EXCHANGES, Exchange
from .conjur.replay import replay

TOKENS = [exchange for exchange in EXCHANGES if exchange.decoded]


def _shape(part: dict[str, Any]) -> dict[str, Any]:
    """Leave of a token's part what does not depend on the server's key and the hour."""
    issued = part.get("iat", 0)
    return {
        name: len(str(content)) if name == "kid" else content - issued if name in {"iat", "exp"} else content
        for name, content in part.items()
    }


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.id)
def test_an_exchange_ends_as_recorded(exchange: Exchange) -> None:
    replayed = replay(exchange.group)[exchange.id]

    assert replayed.recorded == replayed.answered


@pytest.mark.parametrize("exchange", TOKENS, ids=lambda exchange: exchange.id)
def test_a_token_holds_what_a_recorded_one_holds(exchange: Exchange) -> None:
    token = json.loads(replay(exchange.group)[exchange.id].raw)

    for name, expected in (exchange.decoded or {}).items():
        part = json.loads(base64.urlsafe_b64decode(token[name]))
        assert list(_shape(expected).items()) == list(_shape(part).items())


def test_every_recorded_exchange_is_there() -> None:
    assert len({exchange.id for exchange in EXCHANGES}) == 147
