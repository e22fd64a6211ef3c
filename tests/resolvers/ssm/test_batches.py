"""GetParameters: ten parameters in one call, and one by one where a batch does not answer."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason, ResolverError
from secretsource.resolvers import Answer
from secretsource.resolvers.ssm import SsmResolver
from tests.resolvers.ssm.support import (
    Canary,
    Login,
    action,
    assert_none_of,
    canary,
    found,
    login,
    moto,
    parameter,
    printed,
    refusal,
    resolver,
    server,
    spied,
    ssm,
    store,
    write,
)
from tests.servers.faulty import FaultyServer

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["canary", "login", "moto", "resolver", "server", "spied", "ssm", "store"]

Asked = list[tuple[str, dict[str, object]]]


def ask(resolver: SsmResolver, *names: str, timeout: float = 5.0) -> list[Answer | ResolverError]:
    return resolver.fetch_many([resolver.locate(name) for name in names], Deadline(timeout))


def values(answers: list[Answer | ResolverError]) -> list[object]:
    """Return plain values, and what is none as it came."""
    return [answer.value if isinstance(answer, Document) else answer for answer in answers]


def stored(store: SSMClient, count: int) -> dict[str, str]:
    start = secrets.token_hex(6)
    made = {f"{start}/{number}": secrets.token_hex() for number in range(count)}
    for name, value in made.items():
        write(store, f"/{name}", value)
    return made


def batch(*parameters: object, invalid: list[str] | None = None) -> str:
    return json.dumps({"Parameters": parameters, "InvalidParameters": invalid or []})


def actions(server: FaultyServer) -> list[str]:
    return [action(request) for request in server.requests]


def test_ten_parameters_are_one_call(ssm: SsmResolver, store: SSMClient, spied: Asked) -> None:
    made = stored(store, 25)
    assert list(made.values()) == values(ask(ssm, *made))
    assert ["GetParameters"] * 3 == [name for name, _ in spied]
    assert all(params["WithDecryption"] is True for _, params in spied)


def test_one_that_is_asked_for_twice_is_in_one_batch_once(
    ssm: SsmResolver, store: SSMClient, spied: Asked
) -> None:
    first, second = stored(store, 2)
    ask(ssm, first, second, first, f"ssm:///{first}")
    assert [[f"/{first}", f"/{second}"]] == [params["Names"] for _, params in spied]


def test_what_is_invalid_is_not_there_and_nothing_is_asked_again(
    ssm: SsmResolver, store: SSMClient, spied: Asked
) -> None:
    (name, value), *_ = stored(store, 1).items()
    answers = ask(ssm, name, "not/there")
    assert [value, NotThere(Reason.MISSING)] == values(answers)
    assert ["GetParameters"] == [asked for asked, _ in spied]


def test_versions_labels_arns_paths_and_impossible_names_are_not_part_of_a_batch(
    ssm: SsmResolver, store: SSMClient, spied: Asked
) -> None:
    made = stored(store, 2)
    first, second = made
    old = f"ssm:///{first}?version=1"
    places = [ssm.locate(name) for name in (first, old, "a@b", second)]
    places.append(ssm.locate(first.partition("/")[0], document=True))
    answers = ssm.fetch_many(places, Deadline(5))
    assert [made[first], made[first], made[second]] == [values(answers)[at] for at in (0, 1, 3)]
    assert isinstance(answers[2], NotThere)
    assert isinstance(answers[4], Document)
    assert {"0": made[first], "1": made[second]} == dict(answers[4].fields)
    assert ["GetParameter", "GetParameters", "GetParametersByPath"] == sorted(name for name, _ in spied)


def test_one_parameter_is_no_batch(ssm: SsmResolver, store: SSMClient, spied: Asked) -> None:
    made = stored(store, 1)
    assert list(made.values()) == values(ask(ssm, *made))
    assert ["GetParameter"] == [name for name, _ in spied]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "InvalidKeyId"])
def test_a_batch_that_is_refused_for_one_of_them_is_read_one_by_one(
    resolver: SsmResolver, server: FaultyServer, code: str
) -> None:
    server.answer(400, {}, refusal(code, "x"), times=1)
    server.answer(400, {}, refusal("ParameterNotFound"))
    assert [NotThere(Reason.MISSING)] * 2 == ask(resolver, "a", "b")
    assert ["GetParameters", "GetParameter", "GetParameter"] == actions(server)


def test_a_denial_is_that_of_its_parameter_alone(
    resolver: SsmResolver, server: FaultyServer, login: Login
) -> None:
    server.answer(400, {}, refusal("AccessDeniedException", "x"))
    errors = ask(resolver, "a", "b")
    assert [AccessDenied, AccessDenied] == [type(error) for error in errors]
    assert ["/a", "/b"] == [error.location for error in errors if isinstance(error, ResolverError)]
    assert "allow ssm:GetParameter on the parameter '/a'" in str(errors[0])
    assert_none_of([login.secret_key, login.session_token], "".join(map(printed, errors)))  # type: ignore[arg-type]


def test_what_a_batch_leaves_out_is_read_by_itself(resolver: SsmResolver, server: FaultyServer) -> None:
    value = secrets.token_hex()
    server.answer(body=batch(parameter("of the batch", "/a"), parameter("of nobody", "/c")), times=1)
    server.answer(body=found(value, "/b"))
    assert ["of the batch", value] == values(ask(resolver, "a", "b"))


def test_a_broken_entry_is_asked_for_again_and_takes_nothing_from_its_neighbour(
    resolver: SsmResolver, server: FaultyServer
) -> None:
    server.answer(body=batch(parameter("right", "/a"), {"Name": "/b"}), times=1)
    server.answer(body='{"Parameter": {"Name": "/b"}}')
    right, wrong = ask(resolver, "a", "b")
    assert ["right"] == values([right])
    assert isinstance(wrong, InvalidResponse)


@pytest.mark.parametrize("body", ["{}", "<html>", '{"Parameters": [1]}', '{"Parameters": 1}'])
def test_a_200_without_a_list_is_no_answer_and_each_is_asked_for_by_itself(
    resolver: SsmResolver, server: FaultyServer, body: str
) -> None:
    server.answer(body=body, times=1)
    server.answer(400, {}, refusal("ParameterNotFound"))
    assert [NotThere(Reason.MISSING)] * 2 == ask(resolver, "a", "b")


def test_throttling_is_that_of_the_whole_batch(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ThrottlingException", "Rate exceeded"))
    errors = ask(resolver, "a", "b")
    assert [Reason.THROTTLED] * 2 == [getattr(error, "reason", None) for error in errors]
    assert ["GetParameters"] * 3 == actions(server)
    assert errors[0] is not errors[1]


def test_a_batch_that_hangs_ends_with_the_deadline(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(body=batch(), delay=30)
    started = time.monotonic()
    errors = ask(resolver, "a", "b", timeout=0.3)
    assert time.monotonic() - started < 1.5
    assert all(isinstance(error, BackendUnavailable) for error in errors)


def test_no_value_of_a_batch_is_in_an_error(
    resolver: SsmResolver, server: FaultyServer, canary: Canary
) -> None:
    server.answer(body=batch(parameter(canary.text, "/a")), times=1)
    server.answer(500, {}, canary.text)
    answers = ask(resolver, "a", "b")
    error = answers[1]
    assert isinstance(error, BackendUnavailable)
    assert (None, None) == (error.__traceback__, error.__context__)
    assert_none_of([canary], printed(error) + repr(answers))
