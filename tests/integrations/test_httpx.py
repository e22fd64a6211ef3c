"""httpx and httpx2: a request carries the secret of now, is sent again after a refusal, and gives it to nobody else."""

from __future__ import annotations

import asyncio
import base64
import importlib
import io
import pickle
import re
import secrets
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from secretsource import (
    ConfigError,
    InvalidReference,
    InvalidValue,
    MissingDependency,
    SecretNotFound,
    Store,
    secret,
)
from secretsource.testing import MemoryResolver, override
from tests.fakes import eventually, in_threads
from tests.integrations.http_clients import NAME, World, logged, shown_with_locals, world
from tests.servers._process import free_port

Call = Callable[..., Any]
CONTEXT = ssl.create_default_context()  # to make one takes longer than most of these tests


@pytest.fixture
def here() -> Iterator[World]:
    with world() as it:
        yield it


@pytest.fixture(params=["httpx", "httpx2"])
def lib(request: pytest.FixtureRequest) -> SimpleNamespace:
    """The client, and what is for it."""
    client = pytest.importorskip(request.param)
    ours = importlib.import_module(f"secretsource.integrations.{request.param}")
    return SimpleNamespace(
        client=client,
        header=ours.HeaderAuth,
        bearer=ours.BearerAuth,
        basic=ours.BasicAuth,
        name=request.param,
    )


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, lib: SimpleNamespace) -> Call:
    """Send one request with a client of its own."""

    def sync(
        method: str, url: str, *, auth: Any, follow: bool = False, transport: Any = None, **more: Any
    ) -> Any:
        with lib.client.Client(
            auth=auth, follow_redirects=follow, transport=transport, verify=CONTEXT
        ) as client:
            return client.request(method, url, **more)

    async def asynchronous(
        method: str, url: str, *, auth: Any, follow: bool = False, transport: Any = None, **more: Any
    ) -> Any:
        async with lib.client.AsyncClient(
            auth=auth, follow_redirects=follow, transport=transport, verify=CONTEXT
        ) as client:
            return await client.request(method, url, **more)

    def run(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(asynchronous(*args, **kwargs))

    run.is_async = True  # type: ignore[attr-defined]  # a mark of these tests on a function
    sync.is_async = False  # type: ignore[attr-defined]  # see above
    return sync if request.param == "sync" else run


# What a request carries


def test_the_secret_is_sent_in_each_form(here: World, lib: SimpleNamespace, call: Call) -> None:
    here.memory.put("pepipost/user", "shop")
    for auth in (
        lib.header("api_key", NAME),
        lib.header("Authorization", NAME, format="Token {}"),
        lib.bearer(NAME),
        lib.basic(user="shop", password=NAME),
        lib.basic(user=secret("pepipost/user"), password=NAME),
    ):
        assert 200 == call("GET", here.server.url, auth=auth).status_code, auth
    assert ["new"] * 5 == here.keys


def test_basic_sends_user_and_password_in_utf_8(here: World, lib: SimpleNamespace, call: Call) -> None:
    here.memory.put("mail", {"user": "zoë", "password": "pä:ss\n"})
    seen = call(
        "GET", here.server.url, auth=lib.basic(user=secret("mail/user"), password="mail/password", wait=0)
    ).request

    assert "zoë:pä:ss\n" == base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode()


def test_values_are_sent_as_latin_1(here: World, lib: SimpleNamespace, call: Call) -> None:
    here.memory.put("latin", "schlüssel")

    response = call("GET", here.server.url, auth=lib.header("api_key", "latin", wait=0))

    assert (b"api_key", "schlüssel".encode("latin-1")) in response.request.headers.raw
    assert 401 == response.status_code


def test_a_store_of_its_own_is_read(here: World, lib: SimpleNamespace, call: Call) -> None:
    own = Store([MemoryResolver({"own/key": here.key})])
    assert 200 == call("GET", here.server.url, auth=lib.header("api_key", "own/key", store=own)).status_code
    own.close()


def test_without_a_store_the_one_of_the_moment_is_read(here: World, lib: SimpleNamespace, call: Call) -> None:
    auth = lib.header("api_key", NAME)
    call("GET", here.server.url, auth=auth)
    with override({NAME: "of the test"}):
        assert 401 == call("GET", here.server.url, auth=auth).status_code
    assert ["new", "old", "old"][:2] == here.keys[:2]


def test_a_secret_that_is_not_there_is_told_before_anything_is_sent(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    with pytest.raises(SecretNotFound):
        call("GET", here.server.url, auth=lib.bearer("not/there"))
    assert [] == here.server.seen


def test_tests_of_an_application_see_the_header(lib: SimpleNamespace, call: Call, here: World) -> None:
    seen: list[Any] = []

    def answer(request: Any) -> Any:
        seen.append(request)
        return lib.client.Response(200)

    call(
        "GET",
        "https://api.example.com",
        auth=lib.header("Api_Key", NAME),
        transport=lib.client.MockTransport(answer),
    )

    headers = seen[0].headers
    assert here.key == headers["api_key"] == headers.get("API_KEY") == dict(headers)["api_key"]
    assert [here.key] == headers.get_list("api_key")
    assert ("api_key", here.key) in headers.multi_items()
    assert ("api_key", here.key) in headers.items()
    assert here.key in headers.values()
    assert "api_key" in headers
    assert len(headers) == len(list(headers)) == len(headers.raw)


# A refusal


def test_a_refused_request_is_sent_again_with_the_new_key(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    for auth in (lib.header("api_key", NAME), lib.bearer(NAME), lib.basic(user="shop", password=NAME)):
        call("GET", here.server.url, auth=auth)
        here.rotate()
        here.server.seen.clear()

        response = call("GET", here.server.url, auth=auth)

        assert (200, [401]) == (response.status_code, [each.status_code for each in response.history])
        assert ["old", "new"] == here.keys


def test_user_and_password_of_a_second_try_are_of_one_version(lib: SimpleNamespace, call: Call) -> None:
    memory = MemoryResolver({"mail": {"user": "one", "password": secrets.token_hex(4)}})
    store = Store([memory])
    auth = lib.basic(user=secret("mail/user"), password="mail/password", store=store)
    with world() as here:
        auth.read()
        password = here.rotate()
        memory.put("mail", {"user": "two", "password": password})

        response = call("GET", here.server.url, auth=auth)

    assert 200 == response.status_code
    assert f"two:{password}" == base64.b64decode(response.request.headers["authorization"][6:]).decode()
    store.close()


def test_without_another_value_the_refusal_comes_through_after_one_request(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    here.rotate(backend=False)

    response = call("GET", here.server.url, auth=lib.header("api_key", NAME, wait=0))

    assert (401, []) == (response.status_code, list(response.history))
    assert (1, ["pepipost", "pepipost"]) == (here.server.refused, here.memory.calls)


def test_a_second_refusal_comes_through(here: World, lib: SimpleNamespace, call: Call) -> None:
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate(backend=False)
    here.memory.put(NAME, "wrong too")

    response = call("GET", here.server.url, auth=lib.bearer(NAME))

    assert (401, 2) == (response.status_code, here.server.refused)


def test_a_backend_that_is_a_little_late_is_waited_for(here: World, lib: SimpleNamespace, call: Call) -> None:
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate(backend=False)
    late = threading.Timer(0.1, here.store_key)
    late.start()

    assert 200 == call("GET", here.server.url, auth=lib.bearer(NAME)).status_code
    late.join()


def test_while_the_backend_is_down_the_refusal_comes_through(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate()
    here.memory.fail("server")

    assert 401 == call("GET", here.server.url, auth=lib.bearer(NAME, wait=0)).status_code
    here.memory.recover()


@pytest.mark.parametrize("form", ["header", "bearer", "basic"])
@pytest.mark.parametrize("value", [b"\xff\x00", ""])
def test_a_new_value_that_cannot_be_sent_lets_the_refusal_come_through(
    here: World, lib: SimpleNamespace, call: Call, form: str, value: str | bytes
) -> None:
    call("GET", here.server.url, auth=form_of(lib, form))
    here.rotate(backend=False)
    here.memory.put(NAME, value)

    response = call("GET", here.server.url, auth=form_of(lib, form))

    assert (401, [], 1) == (response.status_code, list(response.history), here.server.refused)


def test_other_statuses_may_mean_refused(here: World, lib: SimpleNamespace, call: Call) -> None:
    here.server.refuses_with = 403
    auth = lib.header("api_key", NAME, refused={401, 403})
    call("GET", here.server.url, auth=auth)
    here.rotate()

    assert 200 == call("GET", here.server.url, auth=auth).status_code
    here.rotate()
    assert 403 == call("GET", here.server.url, auth=lib.header("api_key", NAME)).status_code


def test_a_function_may_say_what_refused_means_and_read_the_answer(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    here.server.refuses_with = 200  # as services do that answer 200 with an error in it

    def is_refused(response: Any) -> bool:
        return bool(response.json()["key"] != wanted[0])

    auth = lib.header("api_key", NAME, refused=is_refused)
    auth.requires_response_body = True
    wanted = [call("GET", here.server.url, auth=lib.bearer(NAME)).json()["key"]]
    here.rotate()
    wanted = [call("GET", here.server.url, auth=lib.bearer("fresh", store=fresh(here))).json()["key"]]
    here.server.seen.clear()

    call("GET", here.server.url, auth=auth)

    assert ["old", "new"] == here.keys


def fresh(here: World) -> Store:
    return Store([MemoryResolver({"fresh": here.key})])


def test_a_key_that_works_is_not_asked_for_again(here: World, lib: SimpleNamespace, call: Call) -> None:
    auth = lib.bearer(NAME)
    for _ in range(5):
        call("GET", here.server.url, auth=auth)
    here.rotate()
    for _ in range(5):
        assert 200 == call("GET", here.server.url, auth=auth).status_code
    assert ["pepipost", "pepipost"] == here.memory.calls


# Bodies


@pytest.mark.parametrize("kind", ["bytes", "str", "json", "form", "none"])
def test_a_body_that_is_there_as_a_whole_is_sent_again(
    here: World, lib: SimpleNamespace, call: Call, kind: str
) -> None:
    body = {
        "bytes": {"content": b"\x00\xff"},
        "str": {"content": "text"},
        "json": {"json": {"a": 1}},
        "form": {"data": {"a": "1"}},
        "none": {},
    }[kind]
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate()
    here.server.seen.clear()

    assert 200 == call("POST", here.server.url, auth=lib.bearer(NAME), **body).status_code
    assert 1 == len({each.body for each in here.server.seen})
    assert 2 == len(here.server.seen)
    assert (kind == "none") is (here.server.seen[1].body == b"")


def streamed(kind: str, *, is_async: bool) -> dict[str, Any]:
    def pieces() -> Iterator[bytes]:
        yield b"in "
        yield b"pieces"

    async def apieces() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"pieces"

    if kind == "generator":
        return {"content": apieces() if is_async else pieces()}
    if kind == "file":
        return {"content": apieces() if is_async else io.BytesIO(b"in pieces")}
    return {"files": {"upload": io.BytesIO(b"in pieces")}}


@pytest.mark.parametrize("kind", ["generator", "file", "multipart"])
def test_a_body_that_comes_in_pieces_is_not_sent_again_but_the_next_request_has_the_new_key(
    here: World, lib: SimpleNamespace, call: Any, kind: str
) -> None:
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate()
    here.server.seen.clear()

    body = streamed(kind, is_async=call.is_async)
    response = call("POST", here.server.url, auth=lib.bearer(NAME), **body)

    assert (401, []) == (response.status_code, list(response.history))
    assert 200 == call("GET", here.server.url, auth=lib.bearer(NAME)).status_code
    assert ["old", "new"] == here.keys


@pytest.mark.parametrize("kind", ["generator", "file", "multipart"])
def test_a_body_in_pieces_is_sent_again_where_it_is_read_before(
    here: World, lib: SimpleNamespace, call: Any, kind: str
) -> None:
    auth = lib.bearer(NAME)
    auth.requires_request_body = True
    call("GET", here.server.url, auth=auth)
    here.rotate()
    here.server.seen.clear()

    body = streamed(kind, is_async=call.is_async)
    assert 200 == call("POST", here.server.url, auth=auth, **body).status_code
    assert here.server.seen[0].body == here.server.seen[1].body
    assert b"in pieces" in here.server.seen[1].body


# Answers that are streamed


def test_a_streamed_answer_comes_after_a_refusal_on_the_same_connection(
    here: World, lib: SimpleNamespace
) -> None:
    with lib.client.Client(auth=lib.bearer(NAME), verify=CONTEXT) as client:
        client.get(here.server.url)
        here.rotate()
        with client.stream("GET", f"{here.server.url}/stream") as response:
            assert not response.is_stream_consumed
            assert "0123456789" == "".join(response.iter_text())
    assert 1 == here.server.connections


async def test_the_same_in_coroutines(here: World, lib: SimpleNamespace) -> None:
    async with lib.client.AsyncClient(auth=lib.bearer(NAME), verify=CONTEXT) as client:
        await client.get(here.server.url)
        here.rotate()
        async with client.stream("GET", f"{here.server.url}/stream") as response:
            assert "0123456789" == "".join([piece async for piece in response.aiter_text()])
    assert 1 == here.server.connections


def test_a_refusal_that_comes_through_can_be_streamed_as_it_is(here: World, lib: SimpleNamespace) -> None:
    here.rotate(backend=False)
    with lib.client.Client(auth=lib.bearer(NAME, wait=0), verify=CONTEXT) as client:
        with client.stream("GET", here.server.url) as response:
            assert 401 == response.status_code
            assert b"key" in b"".join(response.iter_raw())
        client.get(here.server.url)
    assert 1 == here.server.connections


# Redirects


@pytest.mark.parametrize(
    ("form", "status"),
    [("header", 301), ("header", 302), ("header", 303), ("header", 307), ("bearer", 302), ("basic", 308)],
)
def test_a_redirect_to_another_origin_goes_there_without_the_secret(
    here: World, lib: SimpleNamespace, call: Call, form: str, status: int
) -> None:
    here.server.redirects_with = status
    url = f"{here.server.url}/to?{here.other.url}/mail"

    response = call("POST", url, auth=form_of(lib, form), follow=True, content=b"x")

    assert [None] == [each.key for each in here.other.seen]
    assert 401 == response.status_code
    assert "api_key" not in response.request.headers
    assert "authorization" not in response.request.headers


def form_of(lib: SimpleNamespace, form: str) -> Any:
    forms = {
        "header": lambda: lib.header("api_key", NAME),
        "bearer": lambda: lib.bearer(NAME),
        "basic": lambda: lib.basic(user="shop", password=NAME),
    }
    return forms[form]()


def test_another_host_says_nothing_about_our_key(here: World, lib: SimpleNamespace, call: Call) -> None:
    call("GET", f"{here.server.url}/to?{here.other.url}/mail", auth=lib.bearer(NAME), follow=True)

    assert ["pepipost"] == here.memory.calls


@pytest.mark.parametrize(
    ("form", "status"),
    [("header", 301), ("header", 302), ("header", 303), ("header", 307), ("bearer", 302), ("basic", 308)],
)
def test_a_redirect_to_the_same_origin_is_sent_there_with_the_secret(
    here: World, lib: SimpleNamespace, call: Call, form: str, status: int
) -> None:
    here.server.redirects_with = status

    response = call("POST", f"{here.server.url}/to?/mail", auth=form_of(lib, form), follow=True, content=b"x")

    assert (200, "/mail") == (response.status_code, response.url.path)
    assert (b"x" if status > 303 else b"") == here.server.seen[-1].body
    assert ["new", "none", "new"] == here.keys


def test_a_refusal_behind_a_redirect_is_answered_with_the_new_key(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    call("GET", here.server.url, auth=lib.bearer(NAME))
    here.rotate()

    response = call("GET", f"{here.server.url}/to?/to?/mail", auth=lib.bearer(NAME), follow=True)

    assert (200, "/mail") == (response.status_code, response.url.path)
    assert "new" == here.keys[-1]


def test_a_body_in_pieces_is_not_sent_again_behind_a_redirect(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    here.server.redirects_with = 307
    files = {"upload": io.BytesIO(b"in pieces")}

    response = call("POST", f"{here.server.url}/to?/mail", auth=lib.bearer(NAME), follow=True, files=files)

    assert (401, ["new", "none"]) == (response.status_code, here.keys)
    assert ["pepipost"] == here.memory.calls


def test_a_redirect_that_the_client_does_not_follow_has_no_secret_in_its_next_request(
    here: World, lib: SimpleNamespace
) -> None:
    with lib.client.Client(auth=lib.header("api_key", NAME), verify=CONTEXT) as client:
        response = client.get(f"{here.server.url}/to?{here.other.url}/mail")
        assert "api_key" not in response.next_request.headers


# Where nothing is sent


@pytest.mark.parametrize(
    "url", ["http://api.example.com:8080/x?y=1", "http://u:pw@10.0.0.1", "http://[2001:db8::1]"]
)
def test_plain_http_to_another_machine_is_refused_before_anything_is_read(
    here: World, lib: SimpleNamespace, call: Call, url: str
) -> None:
    with pytest.raises(
        ConfigError, match=r"plain http, as to http://.*: use https, or say plain_http=True"
    ) as caught:
        call("GET", url, auth=lib.header("api_key", NAME))

    assert "HeaderAuth('api_key', 'pepipost/api_key') sends no secret" in str(caught.value)
    assert "pw" not in str(caught.value)
    assert [] == here.memory.calls


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://localhost:1", "http://127.0.0.9", "http://[::1]"]
)
def test_tls_and_loopback_are_fine(here: World, lib: SimpleNamespace, call: Call, url: str) -> None:
    answers = lib.client.MockTransport(lambda request: lib.client.Response(200))
    assert 200 == call("GET", url, auth=lib.bearer(NAME), transport=answers).status_code


def test_plain_http_is_sent_where_somebody_says_so(here: World, lib: SimpleNamespace, call: Call) -> None:
    answers = lib.client.MockTransport(lambda request: lib.client.Response(200))
    auth = lib.bearer(NAME, plain_http=True)
    assert 200 == call("GET", "http://mail.internal", auth=auth, transport=answers).status_code


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("{}\n", "line break"),
        ("{}\r\nHost: x", "line break"),
        ("{}\x00", "control character"),
        ("{} ", "begins or ends with a space"),
        ("\u20ac{}", "beyond Latin-1"),
        ("", "is empty"),
    ],
)
def test_a_value_that_no_header_can_hold_is_told_and_not_shown(
    here: World, lib: SimpleNamespace, call: Call, value: str, fault: str
) -> None:
    canary = secrets.token_hex(8)
    here.memory.put("bad", value.format(canary))

    shown = shown_with_locals(lambda: call("GET", here.server.url, auth=lib.header("api_key", "bad")))

    assert "InvalidValue: the value of 'bad' cannot be sent in the header api_key: it " in shown
    assert fault in shown
    assert canary not in shown
    assert [] == here.server.seen


NO_FIT = {
    "header": "be sent in the header api_key",
    "bearer": "be sent in the header Authorization",
    "basic": "be a password",
}


@pytest.mark.parametrize("form", NO_FIT)
def test_a_binary_value_is_told_and_not_shown(
    here: World, lib: SimpleNamespace, call: Call, form: str
) -> None:
    canary = secrets.token_hex(8)
    here.memory.put(NAME, b"\xff\x00" + canary.encode())

    shown = shown_with_locals(lambda: call("GET", here.server.url, auth=form_of(lib, form)))

    assert f"InvalidValue: the value of '{NAME}' cannot {NO_FIT[form]}: it is binary" in shown
    assert canary not in shown
    assert [] == here.server.seen


@pytest.mark.parametrize("form", NO_FIT)
def test_nothing_is_sent_with_an_empty_value(
    here: World, lib: SimpleNamespace, call: Call, form: str
) -> None:
    here.memory.put(NAME, "")
    with pytest.raises(InvalidValue, match=f"^the value of '{NAME}' cannot {NO_FIT[form]}: it is empty$"):
        call("GET", here.server.url, auth=form_of(lib, form))
    assert [] == here.server.seen


@pytest.mark.parametrize(("value", "fault"), [("", "is empty"), (b"\xff", "is binary")])
def test_a_secret_user_that_is_none_is_told(
    here: World, lib: SimpleNamespace, call: Call, value: str | bytes, fault: str
) -> None:
    here.memory.put("bad", value)
    with pytest.raises(InvalidValue, match=f"^the value of 'bad' cannot be a user: it {fault}$"):
        call("GET", here.server.url, auth=lib.basic(user=secret("bad"), password=NAME))
    assert [] == here.server.seen


def test_a_user_may_be_empty_where_somebody_says_so(here: World, lib: SimpleNamespace, call: Call) -> None:
    """As services want it that take a token alone."""
    assert 200 == call("GET", here.server.url, auth=lib.basic(user="", password=NAME)).status_code


def test_a_user_with_a_colon_is_told_and_not_shown(here: World, lib: SimpleNamespace, call: Call) -> None:
    here.memory.put("bad", "sh:op")
    with pytest.raises(InvalidValue, match=r"^the value of 'bad' cannot be a user: it has a colon$"):
        call("GET", here.server.url, auth=lib.basic(user=secret("bad"), password=NAME))


def test_what_makes_no_sense_is_refused_at_once(lib: SimpleNamespace) -> None:
    for wrong in (401, "401", ["401"], None, {True}):
        with pytest.raises(TypeError, match="refused must be a set of status codes, or a function"):
            lib.bearer(NAME, refused=wrong)
    for wait in (-1, float("nan"), float("inf"), 10**400, "1", None, True):
        with pytest.raises(ValueError, match="wait must be 0 seconds or more"):
            lib.bearer(NAME, wait=wait)
        with pytest.raises(ValueError, match="wait must be 0 seconds or more"):
            lib.basic(user="shop", password=NAME, wait=wait)
    for text in ("Token", "{} {}", "{}\n", ""):
        with pytest.raises(ValueError, match=r"format must have \{\} once"):
            lib.header("api_key", NAME, format=text)
    for header in ("", "api key", "api:key", "api\nkey", "schlüssel"):
        with pytest.raises(ValueError, match="is no name of a header"):
            lib.header(header, NAME)
    for make in (lib.bearer, lambda name: lib.basic(user="shop", password=name)):
        with pytest.raises(InvalidReference):
            make("no//name")
    with pytest.raises(ValueError, match="cannot have a colon"):
        lib.basic(user="a:b", password=NAME)


# Nothing shows it


def test_objects_show_names(lib: SimpleNamespace) -> None:
    assert "HeaderAuth('api_key', 'pepipost/api_key')" == repr(lib.header("api_key", NAME))
    assert "BearerAuth('pepipost/api_key')" == repr(lib.bearer(NAME))
    assert "BasicAuth(user='shop', password='m/p')" == repr(lib.basic(user="shop", password="m/p"))
    assert "user=secret('m/u')" in repr(lib.basic(user=secret("m/u"), password="m/p"))


@pytest.mark.parametrize("form", ["header", "bearer", "basic"])
def test_no_header_shows_it_and_no_pickle_has_it(
    here: World, lib: SimpleNamespace, call: Call, form: str
) -> None:
    response = call("GET", here.server.url, auth=form_of(lib, form))
    encoded = base64.b64encode(f"shop:{here.key}".encode()).decode()
    headers = response.request.headers

    shown = repr([headers, dict(headers), headers.raw, headers.multi_items(), headers.copy()])
    assert [] == re.findall(f"{here.key}|{encoded}", shown)
    raw = pickle.dumps([response, response.request, headers])
    assert [] == [each for each in (here.key, encoded) if each.encode() in raw]
    back = pickle.loads(raw)[1]
    assert (str(response.url), "127.0.0.1") == (str(back.url), back.headers["host"].partition(":")[0])


def test_an_auth_is_pickled_by_its_names(here: World, lib: SimpleNamespace, call: Call) -> None:
    auth = pickle.loads(pickle.dumps(lib.header("api_key", NAME)))
    assert 200 == call("GET", here.server.url, auth=auth).status_code


def test_no_log_of_any_library_shows_it(here: World, lib: SimpleNamespace, call: Call) -> None:
    with logged() as text:
        call("GET", here.server.url, auth=lib.header("api_key", NAME))
        here.rotate()
        call("GET", here.server.url, auth=lib.header("api_key", NAME))

    assert "send_request_headers" in text.getvalue()
    assert here.key not in text.getvalue()


def test_an_error_of_the_connection_shows_it_in_no_local(
    here: World, lib: SimpleNamespace, call: Call
) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    shown = shown_with_locals(lambda: call("GET", url, auth=lib.header("api_key", NAME)))

    assert "ConnectError" in shown
    assert "api_key" in shown
    assert here.key not in shown


# Others who touch the headers


def test_a_request_keeps_it_where_a_copy_of_its_headers_is_put_in_their_place(
    here: World, lib: SimpleNamespace
) -> None:
    class Traced(lib.client.HTTPTransport):  # type: ignore[misc,name-defined]  # of httpx or httpx2
        def handle_request(self, request: Any) -> Any:
            headers = lib.client.Headers(request.headers)
            assert "api_key" not in headers, "a tracer must not see it"
            headers["traceparent"] = "00-1"
            request.headers = headers
            return super().handle_request(request)

    with lib.client.Client(auth=lib.header("api_key", NAME), transport=Traced(verify=CONTEXT)) as client:
        response = client.get(here.server.url)

    assert (200, "00-1") == (response.status_code, response.request.headers["traceparent"])


def test_a_header_that_the_application_sets_itself_stays_and_is_nothing_that_we_reject(
    here: World, lib: SimpleNamespace
) -> None:
    def own(request: Any) -> None:
        request.headers["Api_Key"] = "own"

    with lib.client.Client(
        auth=lib.header("api_key", NAME), event_hooks={"request": [own], "response": []}
    ) as client:
        response = client.get(here.server.url)

    assert (401, ["old"], ["pepipost"]) == (response.status_code, here.keys, here.memory.calls)
    assert [b"own"] == [value for name, value in response.request.headers.raw if name.lower() == b"api_key"]


def test_it_stays_too_where_it_is_among_headers_that_take_the_place_of_ours(
    here: World, lib: SimpleNamespace
) -> None:
    def own(request: Any) -> None:
        request.headers = lib.client.Headers({**dict(request.headers.copy()), "api_key": "own"})

    hooks = {"request": [own], "response": []}
    with lib.client.Client(auth=lib.header("api_key", NAME), event_hooks=hooks, verify=CONTEXT) as client:
        assert 401 == client.get(here.server.url).status_code
    assert (["old"], ["pepipost"]) == (here.keys, here.memory.calls)


def test_a_header_of_that_name_from_before_is_replaced(here: World, lib: SimpleNamespace, call: Call) -> None:
    response = call(
        "GET", here.server.url, auth=lib.header("api_key", NAME), headers={"API_KEY": "from before"}
    )
    assert 200 == response.status_code
    assert 1 == sum(name.lower() == b"api_key" for name, _ in response.request.headers.raw)


def test_a_header_can_be_taken_away(here: World, lib: SimpleNamespace) -> None:
    def take(request: Any) -> None:
        del request.headers["api_key"]

    hooks = {"request": [take], "response": []}
    with lib.client.Client(auth=lib.header("api_key", NAME), event_hooks=hooks, verify=CONTEXT) as client:
        assert 401 == client.get(here.server.url).status_code
    assert (["none"], ["pepipost"]) == (here.keys, here.memory.calls)


def test_a_request_may_be_sent_twice(here: World, lib: SimpleNamespace) -> None:
    with lib.client.Client(auth=lib.header("api_key", NAME), verify=CONTEXT) as client:
        request = client.build_request("GET", here.server.url)
        assert request is client.send(request).request
        here.rotate()
        assert [200, 200] == [client.send(request).status_code for _ in range(2)]
        assert 200 == client.send(request, auth=lib.bearer(NAME)).status_code
    assert "api_key" not in request.headers


# Many at once


def test_one_refresh_serves_sixty_four_threads(here: World, lib: SimpleNamespace) -> None:
    with lib.client.Client(auth=lib.bearer(NAME), verify=CONTEXT) as client:
        client.get(here.server.url)
        here.rotate()

        responses = in_threads(64, lambda: client.get(here.server.url))

    assert [200] * 64 == [getattr(each, "status_code", each) for each in responses]
    assert ["pepipost", "pepipost"] == here.memory.calls


async def test_one_refresh_serves_two_hundred_coroutines(here: World, lib: SimpleNamespace) -> None:
    async with lib.client.AsyncClient(auth=lib.bearer(NAME), timeout=20, verify=CONTEXT) as client:
        await client.get(here.server.url)
        here.rotate()

        responses = await asyncio.gather(*(client.get(here.server.url) for _ in range(200)))

    assert [200] * 200 == [each.status_code for each in responses]
    assert ["pepipost", "pepipost"] == here.memory.calls


async def test_the_loop_goes_on_while_another_value_is_waited_for(here: World, lib: SimpleNamespace) -> None:
    async with lib.client.AsyncClient(auth=lib.bearer(NAME), verify=CONTEXT) as client:
        await client.get(here.server.url)
        here.rotate(backend=False)
        refused = asyncio.create_task(client.get(here.server.url))
        assert await asyncio.to_thread(eventually, lambda: here.server.refused)
        here.store_key()
        assert 200 == (await refused).status_code


def test_without_the_client_it_is_told_what_to_install(
    lib: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, lib.name, None)
    monkeypatch.delitem(sys.modules, f"secretsource.integrations.{lib.name}")
    with pytest.raises(MissingDependency, match=re.escape(f"pip install 'secretsource[{lib.name}]'")):
        importlib.import_module(f"secretsource.integrations.{lib.name}")
