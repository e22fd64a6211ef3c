"""The mail stand-in accepts the right key, and nothing of it stays behind."""

from __future__ import annotations

import http.client
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers._http import Answer, request
from tests.servers._process import LOOPBACK
from tests.servers.pepipost import PATH, Pepipost, fingerprint


@pytest.fixture
def key() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def pepipost(key: str) -> Iterator[Pepipost]:
    with Pepipost(keys={key}) as service:
        yield service


def mail(**changes: object) -> dict[str, Any]:
    return {
        "from": {"email": "shop@example.com", "name": "Shop"},
        "subject": "Your order",
        "content": [{"type": "html", "value": "Thank you."}],
        "personalizations": [{"to": [{"email": "buyer@example.com"}]}],
        **changes,
    }


def send(service: Pepipost, key: str | None, body: object = None) -> Answer:
    headers = {} if key is None else {"api_key": key}
    return request("POST", service.url + PATH, body=mail() if body is None else body, headers=headers)


def test_the_right_key_is_answered_with_a_message_id(pepipost: Pepipost, key: str) -> None:
    answer = send(pepipost, key)

    assert 202 == answer.status
    assert {"message_id": pepipost.sent[0].message_id} == answer.body["data"]
    assert ("OK", "success") == (answer.body["message"], answer.body["status"])


def test_a_sent_mail_is_listed_with_the_fingerprint_of_its_key(pepipost: Pepipost, key: str) -> None:
    send(pepipost, key, mail(subject="Hello"))

    assert [("Hello", fingerprint(key))] == [(sent.body["subject"], sent.key) for sent in pepipost.sent]
    assert key not in repr(pepipost.sent)


@pytest.mark.parametrize("wrong", [None, "", "nonsense"])
def test_a_missing_or_wrong_key_is_refused(pepipost: Pepipost, wrong: str | None) -> None:
    answer = send(pepipost, wrong)

    assert (401, "error") == (answer.status, answer.body["status"])
    assert ([], 1) == (pepipost.sent, pepipost.refused)


def test_a_key_is_refused_once_revoked_and_its_successor_accepted(pepipost: Pepipost, key: str) -> None:
    successor = secrets.token_hex(16)
    pepipost.accept(successor)
    pepipost.revoke(key)

    assert [401, 202] == [send(pepipost, key).status, send(pepipost, successor).status]


@pytest.mark.parametrize("name", ["from", "subject", "content", "personalizations"])
def test_a_mail_without_a_required_part_is_refused(pepipost: Pepipost, key: str, name: str) -> None:
    answer = send(pepipost, key, mail(**{name: None}))

    assert (400, name) == (answer.status, answer.body["error"][0]["field"])


@pytest.mark.parametrize("body", [[], "text", 7])
def test_a_body_that_is_no_object_is_refused(pepipost: Pepipost, key: str, body: object) -> None:
    assert 400 == send(pepipost, key, body).status


def test_a_body_that_is_no_json_is_refused(pepipost: Pepipost, key: str) -> None:
    assert [400, 400] == [pepipost.answer(key, raw)[0] for raw in (b"{not json", b"\xff")]


def test_another_path_or_method_is_refused(pepipost: Pepipost, key: str) -> None:
    headers = {"api_key": key}

    assert 404 == request("POST", pepipost.url + "/v4/mail/send", body=mail(), headers=headers).status
    assert 405 == request("GET", pepipost.url + PATH, headers=headers).status


def test_one_connection_carries_several_mails(pepipost: Pepipost, key: str) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, int(pepipost.url.rpartition(":")[2]), timeout=5)
    try:
        for status in (400, 400):
            connection.request("POST", PATH, body=b"{}", headers={"api_key": key})
            with connection.getresponse() as response:
                response.read()
                assert status == response.status
                assert not response.will_close
    finally:
        connection.close()


def test_mails_from_many_threads_are_all_listed(pepipost: Pepipost, key: str) -> None:
    threads = [threading.Thread(target=send, args=(pepipost, key)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 20 == len({sent.message_id for sent in pepipost.sent})


def test_the_service_prints_nothing(pepipost: Pepipost, key: str, capfd: pytest.CaptureFixture[str]) -> None:
    send(pepipost, key)
    send(pepipost, None)

    assert ("", "") == capfd.readouterr()


def test_stop_ends_the_thread_and_closes_the_port(key: str) -> None:
    service = Pepipost(keys={key})
    service.stop()
    service.stop()

    assert "pepipost" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        send(service, key)
