"""requests: a request carries the secret of now, is sent again after a refusal, and gives it to nobody else."""

from __future__ import annotations

import base64
import importlib
import io
import pickle
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

requests = pytest.importorskip("requests")

from requests.adapters import HTTPAdapter  # noqa: E402
from urllib3.util import Retry  # noqa: E402

from secretsource import (  # noqa: E402
    ConfigError,
    InvalidValue,
    MissingDependency,
    SecretNotFound,
    Store,
    secret,
)
from secretsource.integrations.requests import BasicAuth, BearerAuth, HeaderAuth  # noqa: E402
from secretsource.testing import MemoryResolver, override  # noqa: E402
from tests.fakes import in_threads  # noqa: E402
from tests.integrations.http_clients import NAME, World, logged, shown_with_locals, world  # noqa: E402
from tests.servers._process import free_port  # noqa: E402

FORMS: dict[str, Callable[[], Any]] = {
    "header": lambda **more: HeaderAuth("api_key", NAME, **more),
    "bearer": lambda **more: BearerAuth(NAME, **more),
    "basic": lambda **more: BasicAuth(user="shop", password=NAME, **more),
}


@pytest.fixture
def here() -> Iterator[World]:
    with world() as it:
        yield it


@pytest.fixture
def session() -> Iterator[Any]:
    """A session that sends the bearer token."""
    with requests.Session() as it:
        it.auth = BearerAuth(NAME)
        yield it


@pytest.fixture
def rotated(here: World, session: Any) -> World:
    """The service and the backend have a new key; the session has the old one in its cache."""
    session.get(here.server.url)
    here.rotate()
    here.server.seen.clear()
    return here


# What a request carries


def test_the_secret_is_sent_in_each_form(here: World) -> None:
    here.memory.put("pepipost/user", "shop")
    token = HeaderAuth("Authorization", NAME, format="Token {}")
    named = BasicAuth(user=secret("pepipost/user"), password=NAME)
    with requests.Session() as session:
        for auth in (*(form() for form in FORMS.values()), token, named):
            assert 200 == session.get(here.server.url, auth=auth).status_code, auth
    assert ["new"] * 5 == here.keys


def test_basic_sends_user_and_password_in_utf_8(here: World) -> None:
    here.memory.put("mail", {"user": "zoë", "password": "pä:ss\n"})
    auth = BasicAuth(user=secret("mail/user"), password="mail/password")

    prepared = requests.Request("GET", here.server.url, auth=auth).prepare()

    said = prepared.headers["authorization"].removeprefix("Basic ")
    assert "zoë:pä:ss\n" == base64.b64decode(said).decode()


def test_values_are_sent_as_latin_1(here: World, session: Any) -> None:
    here.memory.put("latin", "schlüssel")
    here.server.rotate("schlüssel")

    assert 200 == session.get(here.server.url, auth=HeaderAuth("api_key", "latin")).status_code


def test_a_store_of_its_own_is_read(here: World) -> None:
    with Store([MemoryResolver({"own/key": here.key})]) as own:
        assert 200 == requests.get(here.server.url, auth=BearerAuth("own/key", store=own)).status_code


def test_without_a_store_the_one_of_the_moment_is_read(here: World, session: Any) -> None:
    session.get(here.server.url)
    with override({NAME: "of the test"}):
        assert 401 == session.get(here.server.url).status_code
    assert ["new", "old"] == here.keys[:2]


def test_a_secret_that_is_not_there_is_told_before_anything_is_sent(here: World) -> None:
    with pytest.raises(SecretNotFound):
        requests.get(here.server.url, auth=BearerAuth("not/there"))
    assert [] == here.server.seen


# A refusal


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_request_is_sent_again_with_the_new_key(here: World, session: Any, form: str) -> None:
    session.auth = FORMS[form]()
    session.get(here.server.url)
    here.rotate()
    here.server.seen.clear()

    response = session.get(here.server.url)

    assert (200, [401]) == (response.status_code, [each.status_code for each in response.history])
    assert ["old", "new"] == here.keys
    assert response.elapsed.total_seconds() > 0


def test_a_password_may_change_where_its_user_is_kept_elsewhere(here: World, session: Any) -> None:
    here.memory.put("users", {"mail": "shop"})
    session.auth = BasicAuth(user=secret("users/mail"), password=NAME)
    session.get(here.server.url)
    here.rotate()

    assert 200 == session.get(here.server.url).status_code
    assert ["pepipost", "users"] == sorted(here.memory.calls)[1:]


def test_without_another_value_the_refusal_comes_through_after_one_request(here: World) -> None:
    here.rotate(backend=False)

    response = requests.get(here.server.url, auth=BearerAuth(NAME, wait=0))

    assert (401, []) == (response.status_code, response.history)
    assert (1, ["pepipost", "pepipost"]) == (here.server.refused, here.memory.calls)


def test_a_second_refusal_comes_through(here: World, session: Any) -> None:
    session.get(here.server.url)
    here.rotate(backend=False)
    here.memory.put(NAME, "wrong too")

    assert (401, 2) == (session.get(here.server.url).status_code, here.server.refused)


def test_a_backend_that_is_a_little_late_is_waited_for(here: World, session: Any) -> None:
    session.get(here.server.url)
    here.rotate(backend=False)
    late = threading.Timer(0.1, here.store_key)
    late.start()

    assert 200 == session.get(here.server.url).status_code
    late.join()


def test_while_the_backend_is_down_the_refusal_comes_through(rotated: World, session: Any) -> None:
    rotated.memory.fail("server")
    session.auth = BearerAuth(NAME, wait=0)

    assert 401 == session.get(rotated.server.url).status_code
    rotated.memory.recover()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [b"\xff\x00", ""])
def test_a_new_value_that_cannot_be_sent_lets_the_refusal_come_through(
    here: World, session: Any, form: str, value: str | bytes
) -> None:
    session.auth = FORMS[form]()
    session.get(here.server.url)
    here.rotate(backend=False)
    here.memory.put(NAME, value)

    response = session.get(here.server.url)

    assert (401, [], 1) == (response.status_code, response.history, here.server.refused)


def test_other_statuses_may_mean_refused(rotated: World, session: Any) -> None:
    rotated.server.refuses_with = 403

    assert 403 == session.get(rotated.server.url).status_code
    assert 200 == session.get(rotated.server.url, auth=BearerAuth(NAME, refused=(401, 403))).status_code


def test_a_function_may_say_what_refused_means_and_read_the_answer(rotated: World, session: Any) -> None:
    rotated.server.refuses_with = 200  # as services do that answer 200 with an error in it
    asked: list[str] = []

    def is_refused(response: Any) -> bool:
        asked.append(response.json()["key"])
        return len(asked) == 1

    session.get(rotated.server.url, auth=BearerAuth(NAME, refused=is_refused))

    assert (1, ["old", "new"]) == (len(asked), rotated.keys)


def test_a_service_that_fails_first_is_asked_again_by_the_adapter_and_then_refuses(
    rotated: World, session: Any
) -> None:
    retry = Retry(total=2, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    rotated.server.unavailable = 1

    assert 200 == session.post(rotated.server.url, data=b"x").status_code
    assert ["old", "old", "new"] == rotated.keys


def test_hooks_of_the_application_see_the_second_answer_alone(rotated: World, session: Any) -> None:
    seen: list[int] = []
    session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))

    session.get(rotated.server.url)

    assert [200] == seen


def test_cookies_of_both_answers_are_kept(rotated: World, session: Any) -> None:
    session.cookies.clear()
    session.get(rotated.server.url)
    assert {"session": "1"} == session.cookies.get_dict()


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        {"data": b"\x00\xff"},
        {"data": "text"},
        {"json": {"a": 1}},
        {"data": {"a": "1"}},
        {"files": {"upload": b"in pieces"}},
        {},
    ],
)
def test_a_body_that_is_there_as_a_whole_is_sent_again(
    rotated: World, session: Any, body: dict[str, Any]
) -> None:
    assert 200 == session.post(rotated.server.url, **body).status_code
    first, second = rotated.server.seen
    assert first.body == second.body
    assert bool(body) is bool(second.body)


def test_a_file_is_sent_again_from_where_it_stood(rotated: World, session: Any, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"header, body")
    with path.open("rb") as file:
        file.seek(8)
        assert 200 == session.post(rotated.server.url, data=file).status_code
    assert [b"body", b"body"] == [each.body for each in rotated.server.seen]


def test_an_iterator_is_not_sent_again_but_the_next_request_has_the_new_key(
    rotated: World, session: Any
) -> None:
    response = session.post(rotated.server.url, data=iter([b"in ", b"pieces"]))

    assert (401, []) == (response.status_code, response.history)
    assert 200 == session.get(rotated.server.url).status_code
    assert ["old", "new"] == rotated.keys


class Pipe(io.BytesIO):
    """What has a position to tell, and none to go back to."""

    def seek(self, *_: Any) -> int:
        raise OSError("this goes forward only")


def test_what_cannot_be_rewound_is_not_sent_again(rotated: World, session: Any) -> None:
    assert 401 == session.post(rotated.server.url, data=Pipe(b"x")).status_code
    assert ["old"] == rotated.keys


# Answers that are streamed


def test_a_streamed_answer_comes_after_a_refusal_on_the_same_connection(rotated: World, session: Any) -> None:
    with session.get(f"{rotated.server.url}/stream", stream=True) as response:
        assert b"0123456789" == b"".join(response.iter_content(1))
    session.get(rotated.server.url)
    assert 1 == rotated.server.connections


def test_a_refusal_that_comes_through_can_be_streamed_as_it_is(here: World, session: Any) -> None:
    here.rotate(backend=False)
    session.auth = BearerAuth(NAME, wait=0)
    with session.get(here.server.url, stream=True) as response:
        assert 401 == response.status_code
        assert b"key" in response.raw.read()


# Redirects


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_goes_there_without_the_secret(
    here: World, session: Any, form: str, status: int
) -> None:
    here.server.redirects_with = status
    session.auth = FORMS[form]()

    response = session.post(f"{here.server.url}/to?{here.other.url}/mail", data=b"x")

    assert [None] == [each.key for each in here.other.seen]
    assert (401, ["pepipost"]) == (response.status_code, here.memory.calls)


@pytest.mark.parametrize("form", FORMS)
def test_a_redirect_to_the_same_origin_takes_the_secret_along(here: World, session: Any, form: str) -> None:
    here.server.redirects_with = 307
    session.auth = FORMS[form]()

    response = session.post(f"{here.server.url}/to?/to?/mail", data=b"x")

    assert (200, ["new", "new", "new"]) == (response.status_code, here.keys)
    assert b"x" == here.server.seen[-1].body


@pytest.mark.parametrize("form", FORMS)
def test_a_redirect_behind_a_redirect_is_looked_at_too(here: World, session: Any, form: str) -> None:
    session.auth = FORMS[form]()

    session.get(f"{here.server.url}/to?/to?{here.other.url}/mail")

    assert (["new", "new"], [None]) == (here.keys, [each.key for each in here.other.seen])


def test_what_comes_back_from_another_origin_is_let_in_again(here: World, session: Any) -> None:
    session.auth = HeaderAuth("api_key", NAME)

    response = session.get(f"{here.server.url}/to?{here.other.url}/to?{here.server.url}/mail")

    assert 200 == response.status_code
    assert ["new", "none", "new"] == here.keys
    assert [None] == [each.key for each in here.other.seen]


def test_a_refusal_behind_a_redirect_is_answered_with_the_new_key(rotated: World, session: Any) -> None:
    response = session.get(f"{rotated.server.url}/to?/mail")

    assert 200 == response.status_code
    assert ["old", "old", "new"] == rotated.keys


@pytest.mark.parametrize("form", FORMS)
def test_a_redirect_that_answers_the_second_try_goes_on_without_the_secret(
    here: World, session: Any, form: str
) -> None:
    session.auth = FORMS[form](refused={503})
    session.get(here.server.url)
    here.memory.put(NAME, secrets.token_hex(4))
    here.server.unavailable = 1

    session.get(f"{here.server.url}/to?{here.other.url}/mail")

    assert 3 == len(here.server.seen)
    assert [None] == [each.key for each in here.other.seen]


def test_a_redirect_that_answers_the_second_try_takes_the_new_key_along(here: World, session: Any) -> None:
    session.auth = BearerAuth(NAME, refused={401, 503})
    session.get(here.server.url)
    here.rotate()
    here.server.unavailable = 1
    here.server.seen.clear()

    assert 200 == session.get(f"{here.server.url}/to?/mail").status_code
    assert ["old", "new", "new"] == here.keys


def test_a_redirect_to_a_strange_address_goes_without_the_secret(here: World, session: Any) -> None:
    session.auth = HeaderAuth("api_key", NAME)
    prepared = session.prepare_request(requests.Request("GET", here.server.url))
    port = here.server.url.rpartition(":")[2]
    for location in (
        rf"http://evil.example\@127.0.0.1:{port}",
        f"http://127.0.0.1:{port}\t.evil.example",
        "http://[::1",
        "http://127.0.0.1:99999",
        "//evil.example/x",
    ):
        redirect = requests.Response()
        redirect.status_code, redirect.url, redirect.request = 302, here.server.url, prepared.copy()
        redirect.headers["location"] = location

        prepared.hooks["response"][0](redirect)

        assert "api_key" not in redirect.request.headers, location
    assert "api_key" in prepared.headers


def test_the_next_request_of_a_redirect_that_is_not_followed_has_no_secret(here: World, session: Any) -> None:
    session.auth = HeaderAuth("api_key", NAME)
    url = f"{here.server.url}/to?{here.other.url}/mail"
    assert "api_key" not in session.get(url, allow_redirects=False).next.headers
    assert "api_key" in session.get(f"{here.server.url}/to?/mail", allow_redirects=False).next.headers


# Where nothing is sent


@pytest.mark.parametrize(
    "url", ["http://api.example.com:8080/x?y=1", "http://u:pw@10.0.0.1", "http://[2001:db8::1]"]
)
def test_plain_http_to_another_machine_is_refused_before_anything_is_read(here: World, url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"plain http, as to http://.*: use https, or say plain_http=True"
    ) as caught:
        requests.get(url, auth=HeaderAuth("api_key", NAME))

    assert "HeaderAuth('api_key', 'pepipost/api_key') sends no secret" in str(caught.value)
    assert "pw" not in str(caught.value)
    assert [] == here.memory.calls


def test_plain_http_is_sent_where_somebody_says_so(here: World) -> None:
    for url, plain in (
        ("http://mail.internal", True),
        ("https://mail.example.com", False),
        ("http://[::1]", False),
    ):
        auth = BearerAuth(NAME, plain_http=plain)
        prepared = requests.Request("GET", url, auth=auth).prepare()
        assert f"Bearer {here.key}" == prepared.headers["Authorization"]


@pytest.mark.parametrize("value", ["{}\n", "{}\r\nHost: x", "{} ", "\u20ac{}"])
def test_a_value_that_no_header_can_hold_is_told_and_not_shown(here: World, value: str) -> None:
    canary = secrets.token_hex(8)
    here.memory.put("bad", value.format(canary))

    shown = shown_with_locals(lambda: requests.get(here.server.url, auth=HeaderAuth("api_key", "bad")))

    assert "InvalidValue: the value of 'bad' cannot be sent in the header api_key: it " in shown
    assert canary not in shown


NO_FIT = {
    "header": "be sent in the header api_key",
    "bearer": "be sent in the header Authorization",
    "basic": "be a password",
}


@pytest.mark.parametrize("form", NO_FIT)
def test_a_binary_value_is_told_and_not_shown(here: World, form: str) -> None:
    canary = secrets.token_hex(8)
    here.memory.put(NAME, b"\xff\x00" + canary.encode())

    shown = shown_with_locals(lambda: requests.get(here.server.url, auth=FORMS[form]()))

    assert f"InvalidValue: the value of '{NAME}' cannot {NO_FIT[form]}: it is binary" in shown
    assert canary not in shown
    assert [] == here.server.seen


@pytest.mark.parametrize("form", NO_FIT)
def test_nothing_is_sent_with_an_empty_value(here: World, form: str) -> None:
    here.memory.put(NAME, "")
    with pytest.raises(InvalidValue, match=f"^the value of '{NAME}' cannot {NO_FIT[form]}: it is empty$"):
        requests.get(here.server.url, auth=FORMS[form]())
    assert [] == here.server.seen


# Nothing shows it


@pytest.mark.parametrize("form", FORMS)
def test_no_header_shows_it_and_no_pickle_has_it(here: World, session: Any, form: str) -> None:
    session.auth = FORMS[form]()
    response = session.get(here.server.url)
    encoded = base64.b64encode(f"shop:{here.key}".encode()).decode()
    headers = response.request.headers

    shown = repr(
        [headers, dict(headers), list(headers.lower_items()), headers.copy(), vars(response.request)]
    )
    assert [] == re.findall(f"{here.key}|{encoded}", shown)
    raw = pickle.dumps([response, response.request, response.request.copy(), headers, session])
    assert [] == [each for each in (here.key, encoded) if each.encode() in raw]
    back = pickle.loads(raw)
    assert (200, response.request.url) == (back[0].status_code, back[1].url)
    assert response is back[1].hooks["response"][0](response)
    assert 200 == back[4].get(here.server.url).status_code


def test_no_log_of_any_library_shows_it(rotated: World, session: Any) -> None:
    with logged() as text:
        session.get(rotated.server.url)

    assert "GET / HTTP/1.1" in text.getvalue()
    assert rotated.key not in text.getvalue()


def test_an_error_of_a_tls_connection_shows_it_in_no_local(here: World) -> None:
    url = f"https://127.0.0.1:{free_port()}"

    shown = shown_with_locals(lambda: requests.get(url, auth=HeaderAuth("api_key", NAME)))

    assert "ConnectionError" in shown
    assert "'api_key': MaskedStr('********')" in shown
    assert here.key not in shown


# Others who touch the headers


def test_a_header_that_the_application_sets_itself_stays_and_is_nothing_that_we_reject(
    here: World, session: Any
) -> None:
    session.auth = HeaderAuth("api_key", NAME)
    prepared = session.prepare_request(requests.Request("GET", here.server.url))
    prepared.headers["api_key"] = "own"

    assert (401, ["pepipost"]) == (session.send(prepared).status_code, here.memory.calls)
    assert ["old"] == here.keys


def test_a_header_of_that_name_from_before_is_replaced(here: World, session: Any) -> None:
    auth = HeaderAuth("api_key", NAME)
    assert 200 == session.get(here.server.url, auth=auth, headers={"API_KEY": "from before"}).status_code


def test_a_prepared_request_may_be_sent_again_and_again(here: World, session: Any) -> None:
    session.auth = HeaderAuth("api_key", NAME)
    prepared = session.prepare_request(requests.Request("GET", f"{here.server.url}/mail"))
    session.send(prepared)
    here.rotate()
    assert [200, 200] == [session.send(prepared).status_code for _ in range(2)]


def test_a_proxy_gets_what_the_service_is_to_get(here: World, session: Any) -> None:
    """urllib3 copies the headers there."""
    session.auth = BearerAuth(NAME, plain_http=True)
    proxies = {"http": here.server.url}

    assert 200 == session.get("http://mail.internal/x", proxies=proxies).status_code


# Many at once


def test_one_refresh_serves_sixty_four_threads(rotated: World, session: Any) -> None:
    session.mount("http://", HTTPAdapter(pool_maxsize=64))

    responses = in_threads(64, lambda: session.get(rotated.server.url))

    assert [200] * 64 == [getattr(each, "status_code", each) for each in responses]
    assert ["pepipost", "pepipost"] == rotated.memory.calls


def test_threads_may_share_a_prepared_request(rotated: World, session: Any) -> None:
    prepared = session.prepare_request(requests.Request("GET", rotated.server.url))

    responses = in_threads(16, lambda: session.send(prepared))

    assert [200] * 16 == [getattr(each, "status_code", each) for each in responses]


def test_without_requests_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    monkeypatch.delitem(sys.modules, "secretsource.integrations.requests")
    with pytest.raises(MissingDependency, match=re.escape("pip install 'secretsource[requests]'")):
        importlib.import_module("secretsource.integrations.requests")
