"""Tests for pytest. No key, no server, no network."""

import pytest

from examples.testing.mailer import Mailer, RefusedError
from secretsource import BackendUnavailable, SecretNotFound


class Service:
    """A mail service that takes one key."""

    def __init__(self, key):
        self.key = key
        self.requests = 0

    def send(self, key, text):
        self.requests += 1
        if key != self.key:
            raise RefusedError
        return f"sent: {text}"


@pytest.mark.secrets({"pepipost/api_key": "the-key"})
class TestWithAKey:
    def test_a_mail_is_sent(self):
        assert Mailer(Service("the-key")).send("Hello") == "sent: Hello"

    def test_a_wrong_key_is_tried_once(self):
        service = Service("another-key")
        with pytest.raises(RefusedError):
            Mailer(service).send("Hello")
        assert service.requests == 1

    def test_a_rotation_costs_no_mail(self, secrets):
        service = Service("the-next-key")
        secrets.rotate("pepipost/api_key", "the-next-key", after=1)
        assert Mailer(service).send("Hello") == "sent: Hello"
        assert service.requests == 2

    def test_a_rotation_is_noticed(self, secrets):
        mailer = Mailer(Service("the-next-key"))
        secrets.rotate("pepipost/api_key", "the-next-key")
        assert mailer.rotations == 1

    def test_an_outage_is_not_hidden(self, secrets):
        secrets.fail("timeout")
        with pytest.raises(BackendUnavailable):
            Mailer(Service("the-key")).send("Hello")


@pytest.mark.usefixtures("secrets")
def test_without_a_key_no_mail_is_sent():
    service = Service("the-key")
    with pytest.raises(SecretNotFound):
        Mailer(service).send("Hello")
    assert service.requests == 0
