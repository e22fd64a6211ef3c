"""Secrets in Django's settings: read when they are used, shown nowhere, and checked before deployment."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import pprint
import secrets
import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import django
import pytest
from django.conf import settings
from django.core import mail, signing
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from django.db.migrations.writer import MigrationWriter
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_settings
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes
from django.utils.log import AdminEmailHandler
from django.views import debug

import secretsource
from secretsource import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    InvalidValue,
    MaskedStr,
    SecretNotFound,
    Store,
    get_secret,
)
from secretsource.integrations.django import LazySecret, fallbacks, secret
from secretsource.integrations.django.engine import resolved
from secretsource.testing import MemoryResolver, override
from tests.integrations.django_project import commanded, configured, get, views

configured()


@pytest.fixture
def memory() -> MemoryResolver:
    """What the process-wide store reads from."""
    memory = MemoryResolver()
    secretsource.configure(chain=[memory])
    memory.put("django", {"secret_key": made()})
    return memory


@pytest.fixture(autouse=True)
def no_views() -> Iterator[None]:
    yield
    views.clear()


def made() -> str:
    return secrets.token_urlsafe(40)


class TestLazy:
    def test_nothing_is_read_before_it_is_used(self, memory: MemoryResolver) -> None:
        key = secret("pepipost/api_key")
        with override_settings(PEPIPOST_KEY=key):
            assert "secret('pepipost/api_key')" == repr(settings.PEPIPOST_KEY)
        assert [] == memory.calls

    def test_it_is_the_value_of_now(self, memory: MemoryResolver) -> None:
        key = secret("pepipost/api_key")
        for value in (made(), made()):
            memory.put("pepipost/api_key", value)
            secretsource.default_store().invalidate()
            assert value == str(key)

    def test_it_acts_as_a_string(self) -> None:
        key = secret("a")
        with override({"a": "höp"}):
            assert ["höp", "x höp y", ">höp<", "höp!", "!höp"] == [
                str(key),
                f"x {key} y",
                ">%s<" % key,  # noqa: UP031 - as Django's own code does
                key + "!",
                "!" + key,
            ]
            assert "höp".encode() == key.encode()
            assert (3, True, ["h", "ö", "p"]) == (len(key), "ö" in key, list(key))
            assert ("h", "öp") == (key[0], key[1:])
            assert key.startswith("h")
            assert "  höp" == f"{key:>5}"
            assert (True, False, True) == (key == "höp", key == "x", bool(key))
            assert key == secret("a")
            assert {"höp"} == {key}

    def test_an_empty_value_is_false(self) -> None:
        with override({"a": ""}):
            assert not secret("a")

    @pytest.mark.parametrize(
        "use",
        [
            str,
            len,
            list,
            hash,
            force_bytes,
            "{}".format,
            "x%s".__mod__,
            lambda key: key.encode(),
            lambda key: key[:1],
            lambda key: "x" + key,
            lambda key: key + "x",
            lambda key: "" in key,
            lambda key: key == "",  # as what a client sends may be
            lambda key: key == secret("other"),
        ],
    )
    def test_an_empty_value_is_an_error_wherever_it_is_used(self, use: Callable[[Any], object]) -> None:
        with override({"a": "", "other": ""}), pytest.raises(InvalidValue, match="'a' is empty"):
            use(secret("a"))

    def test_a_binary_value_is_an_error_that_names_it(self) -> None:
        with override({"a": b"\xff\x00"}):
            for use in (str, len, lambda key: list(fallbacks("a"))):
                with pytest.raises(InvalidValue, match="'a' is binary") as caught:
                    use(secret("a"))
                assert None is caught.value.__context__
            with pytest.raises(ImproperlyConfigured, match="'a' is binary"):
                bool(secret("a"))

    def test_the_string_of_it_is_masked(self) -> None:
        with override({"a": made()}):
            assert isinstance(str(secret("a")), MaskedStr)

    def test_what_only_takes_a_string_refuses_it_loudly(self) -> None:
        key: Any = secret("a")
        with override({"a": made()}):
            for call in (json.dumps, lambda value: "".join([value]), lambda value: {}[value]):
                with pytest.raises((TypeError, KeyError)):
                    call(key)

    def test_what_a_string_has_not_is_not_read_for(self, memory: MemoryResolver) -> None:
        key = secret("a")
        for name in ("resolve_expression", "__html__", "_proxy____cast", "items"):
            assert not hasattr(key, name)
        assert [] == memory.calls

    def test_it_is_printed_by_its_name(self, memory: MemoryResolver) -> None:
        assert "{'a': [secret('a/b')]}" == pprint.pformat({"a": [secret("a/b")]})
        assert [] == memory.calls

    def test_it_is_copied_and_pickled_by_its_name(self, memory: MemoryResolver) -> None:
        key = secret("a")
        for each in (copy.copy(key), copy.deepcopy({"x": key})["x"], pickle.loads(pickle.dumps(key))):
            assert "secret('a')" == repr(each)
        assert key is copy.deepcopy(key)
        assert [] == memory.calls

    def test_a_wrong_name_is_told_at_once(self) -> None:
        with pytest.raises(InvalidReference):
            secret("a//b")

    def test_it_can_have_a_store_of_its_own(self) -> None:
        with Store([MemoryResolver({"a": "own"})]) as store, override({"a": "other"}):
            assert "own" == str(secret("a", store=store))

    def test_what_is_missing_or_down_is_told_where_it_is_used(self) -> None:
        with override({"a": "x"}) as overrides:
            with pytest.raises(SecretNotFound, match="'b' was not found"):
                str(secret("b"))
            overrides.fail("server")
            with pytest.raises(BackendUnavailable):
                str(secret("a"))

    def test_whether_it_is_set_is_answered_in_djangos_errors_too(self) -> None:
        with override(), pytest.raises(ImproperlyConfigured, match="'a' was not found") as caught:
            bool(secret("a"))
        assert isinstance(caught.value, SecretNotFound)
        assert ("a", 1) == (caught.value.name, len(caught.value.steps))
        assert None is caught.value.__context__

    def test_that_error_crosses_to_other_processes(self) -> None:
        for kind in (SecretNotFound, AccessDenied):
            with override({"b": "x"}) as overrides:
                overrides.deny("b")
                with pytest.raises(ImproperlyConfigured) as caught:
                    bool(secret("a" if kind is SecretNotFound else "b"))
            came = pickle.loads(pickle.dumps(caught.value))
            assert (kind, str(caught.value)) == (type(came), str(came))


def token() -> str:
    """The token of a link that sets a new password."""
    from django.contrib.auth.models import User
    from django.contrib.auth.tokens import default_token_generator

    return default_token_generator.make_token(User(pk=1))


class TestSecretKey:
    def test_it_signs(self, memory: MemoryResolver) -> None:
        assert "x" == signing.loads(signing.dumps("x"))
        assert ["django"] == memory.calls[:1]

    def test_another_key_is_used_without_a_restart(self, memory: MemoryResolver) -> None:
        before = signing.dumps("x")
        memory.put("django", {"secret_key": made()})
        secretsource.default_store().invalidate()
        with pytest.raises(signing.BadSignature):
            signing.loads(before)
        assert "x" == signing.loads(signing.dumps("x"))

    def test_a_fallback_accepts_what_was_signed_before(self, memory: MemoryResolver) -> None:
        key, before = made(), None
        memory.put("django", {"secret_key": key})
        before = signing.dumps("x")
        memory.put("django", {"secret_key": made(), "secret_key_before": key})
        secretsource.default_store().invalidate()
        assert "x" == signing.loads(before)
        signed = signing.get_cookie_signer(salt="s").sign("x")
        assert "x" == signing.get_cookie_signer(salt="s").unsign(signed)

    def test_a_missing_key_and_an_empty_one_are_improperly_configured(self, memory: MemoryResolver) -> None:
        memory.put("django", {"other": "x"})
        with (
            override_settings(),
            pytest.raises(ImproperlyConfigured, match="'django/secret_key' was not found"),
        ):
            settings.SECRET_KEY  # noqa: B018
        memory.put("django", {"secret_key": ""})
        secretsource.default_store().invalidate()
        with override_settings(), pytest.raises(ImproperlyConfigured, match="must not be empty"):
            settings.SECRET_KEY  # noqa: B018

    @pytest.mark.parametrize(
        "use",
        [
            lambda: signing.dumps("x"),
            lambda: signing.loads(signing.dumps("x", key="")),
            lambda: signing.get_cookie_signer(salt="s").sign("x"),
            lambda: salted_hmac("s", "x", algorithm="sha256"),
            token,
        ],
    )
    def test_nobody_signs_with_a_key_that_becomes_empty(
        self, memory: MemoryResolver, use: Callable[[], object]
    ) -> None:
        use()  # Django has looked at it, and does not look again
        memory.put("django", {"secret_key": ""})
        secretsource.default_store().invalidate()
        with pytest.raises(InvalidValue, match="'django/secret_key' is empty"):
            use()

    def test_what_any_process_signs_is_taken_by_any_other_in_the_middle_of_each_step(
        self, memory: MemoryResolver
    ) -> None:
        """A process may have noticed each of the changes of a step, or not yet."""
        old, new = made(), made()
        steps: list[dict[str, str | None]] = [
            {"key": old, "key_new": None, "key_old": None},
            {"key": old, "key_new": new, "key_old": old},
            {"key": new, "key_new": new, "key_old": old},
            {"key": new, "key_new": None, "key_old": None},
        ]
        for before, after in itertools.pairwise(steps[:3]):
            processes = [process(before, after, chosen) for chosen in itertools.product((0, 1), repeat=3)]
            signed = []
            for each in processes:
                with each:
                    signed.append(signing.dumps("x"))
            for each in processes:
                with each:
                    assert ["x"] * 8 == [signing.loads(token) for token in signed]
        with process(steps[3], steps[3], (0, 0, 0)), pytest.raises(signing.BadSignature):
            signing.loads(signed[0])

    def test_a_user_stays_logged_in(self, memory: MemoryResolver, users: Any) -> None:
        key = made()
        memory.put("django", {"secret_key": key})
        client = Client()
        client.force_login(users.create(username=made()[:20]))
        views["who"] = lambda request: HttpResponse(str(request.user.is_authenticated))
        for before in (key, ""):
            memory.put("django", {"secret_key": made(), "secret_key_before": before})
            secretsource.default_store().invalidate()
            # With the first answer the session has moved on to the new key, which then is gone too.
            assert (b"True" if before else b"False") == client.get("/who/").content


def process(
    before: dict[str, str | None], after: dict[str, str | None], chosen: tuple[int, ...]
) -> override_settings:
    """The settings of a process that has noticed the chosen changes."""
    values = {name: (before, after)[late][name] for name, late in zip(before, chosen, strict=True)}
    store = Store([MemoryResolver({name: value for name, value in values.items() if value is not None})])
    return override_settings(
        SECRET_KEY=secret("key", store=store),
        SECRET_KEY_FALLBACKS=fallbacks("key_new", "key_old", store=store),
    )


@pytest.fixture
def users() -> Any:
    from django.contrib.auth.models import User
    from django.db import connection

    commanded("migrate", "--verbosity=0")
    yield User.objects
    connection.close()


def test_an_empty_setting_of_a_database_is_one_that_is_not_set() -> None:
    with override({"host": "", "password": made()}) as overrides:
        table = {"USER": "shop", "PASSWORD": secret("password"), "HOST": secret("host")}
        assert "" == resolved(table)["HOST"]
        overrides({"host": "db.example.com"})
        assert "db.example.com" == resolved(table)["HOST"]


class TestMigrations:
    def test_a_migration_has_the_name_and_no_character_of_the_value(self) -> None:
        with override({"a/b": made()}) as overrides:
            written, imports = MigrationWriter.serialize(secret("a/b"))
            assert ("secretsource.integrations.django.secret('a/b')", []) == (written, overrides.calls)
        assert {"import secretsource.integrations.django"} == imports

    def test_a_store_is_not_written(self) -> None:
        with pytest.raises(ValueError, match="Cannot serialize"):
            MigrationWriter.serialize(secret("a/b", store=Store([MemoryResolver({"a/b": made()})])))


class TestFallbacks:
    def test_what_is_not_there_and_what_is_empty_is_left_out(self) -> None:
        with override({"b": "", "c": "x"}):
            assert ["x"] == list(fallbacks("a", "b", "c"))

    def test_nobody_signs_with_an_empty_key(self, memory: MemoryResolver) -> None:
        memory.put("django", {"secret_key": made(), "secret_key_before": ""})
        with override_settings(SECRET_KEY="x"):
            forged = signing.dumps("x", key=b"")
        with pytest.raises(signing.BadSignature):
            signing.loads(forged)

    def test_an_error_is_no_empty_list(self) -> None:
        with override({"a": "x"}) as overrides:
            overrides.deny("a")
            with pytest.raises(AccessDenied):
                list(fallbacks("a"))

    def test_it_is_a_list_that_shows_names(self) -> None:
        keys = fallbacks("a", "b/c")
        assert isinstance(keys, list)
        assert "[secret('a'), secret('b/c')]" == repr(keys)
        assert 2 == len(keys)

    def test_what_is_in_it_is_masked(self) -> None:
        with override({"a": made()}):
            assert [MaskedStr] == [type(each) for each in fallbacks("a")]

    def test_a_key_that_is_added_counts_too(self) -> None:
        keys = fallbacks("a", "b")
        keys.append("plain")
        with override({"b": "x"}):
            assert ["x", "plain"] == list(keys)

    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda keys: pickle.loads(pickle.dumps(keys))]
    )
    def test_a_copy_has_names_and_no_value(self, again: Callable[[Any], Any]) -> None:
        with override({"a": "x"}):
            copied = again(fallbacks("a", "b"))
        assert "[secret('a'), secret('b')]" == repr(copied)
        with override({"b": "y"}):
            assert ["y"] == list(copied)


class Smtp(socketserver.ThreadingTCPServer):
    """A mail server that takes what it is given from those who know the password."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, password: str) -> None:
        self.password = password
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _Mail)


class _Mail(socketserver.StreamRequestHandler):
    server: Smtp

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                self.say("250-here\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                _, user, password = b64decode(rest.split()[1]).decode().split("\0")
                right = ("shop", self.server.password) == (user, password)
                self.say("235 welcome" if right else f"535 refused {user}")
            elif verb == "DATA":
                self.say("354 go on")
                text = ""
                while (line := self.rfile.readline().decode()) != ".\r\n":
                    text += line
                self.server.mails.append(text)
                self.say("250 taken")
            else:
                self.say("221 bye" if verb == "QUIT" else "250 fine")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def smtp(memory: MemoryResolver) -> Iterator[Smtp]:
    server = Smtp(made())
    memory.put("mail", {"password": server.password})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with override_settings(**mail_settings(server.server_address[1])):
            yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mail_settings(port: int) -> dict[str, Any]:
    backend, password = "django.core.mail.backends.smtp.EmailBackend", secret("mail/password")
    if django.VERSION < (6, 1):
        return {
            "EMAIL_BACKEND": backend,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": port,
            "EMAIL_HOST_USER": "shop",
            "EMAIL_HOST_PASSWORD": password,
        }
    options = {"host": "127.0.0.1", "port": port, "username": "shop", "password": password}
    return {
        "MAILERS": {
            "default": {"BACKEND": backend, "OPTIONS": options},
            "silent": {"BACKEND": backend, "OPTIONS": options | {"fail_silently": True}},
        }
    }


def mailer(*, fail_silently: bool) -> Any:
    if django.VERSION < (6, 1):
        return mail.get_connection(fail_silently=fail_silently)
    return mail.mailers["silent" if fail_silently else "default"]


class TestMail:
    def test_each_connection_logs_in_with_the_password_of_now(
        self, smtp: Smtp, memory: MemoryResolver
    ) -> None:
        for number in (1, 2):
            assert 1 == mail.send_mail("hello", "x", "a@example.com", ["b@example.com"])
            assert number == len(smtp.mails)
            smtp.password = made()
            memory.put("mail", {"password": smtp.password})
            secretsource.default_store().invalidate()

    def test_fail_silently_holds_for_an_outage(self, smtp: Smtp, memory: MemoryResolver) -> None:
        memory.fail("server")
        letter = mail.EmailMessage("hello", "x", "a@example.com", ["b@example.com"])
        # Django leaves the connection of a failed login open.
        with closing(mailer(fail_silently=False)) as loud, pytest.raises(BackendUnavailable):
            loud.send_messages([letter])
        with closing(mailer(fail_silently=True)) as silent:
            assert not silent.send_messages([letter])
        assert [] == smtp.mails


class TestCache:
    def test_redis_asks_for_the_password_of_each_connection(self, memory: MemoryResolver) -> None:
        redis = pytest.importorskip("redis")
        from django.core.cache import caches

        from tests.servers.redis import Redis

        class Provider(redis.CredentialProvider):  # type: ignore[misc,name-defined]  # importorskip gives Any
            def get_credentials(self) -> tuple[str]:
                return (get_secret("redis/password"),)

        with Redis() as server:
            table = {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{server.port}",
                "OPTIONS": {"credential_provider": Provider()},
            }
            memory.put("redis", {"password": server.password})
            with override_settings(CACHES={"default": table}):
                for number in (1, 2):
                    caches["default"].set("a", number)
                    assert number == caches["default"].get("a")
                    caches["default"]._cache.get_client().connection_pool.disconnect()
                    server.set_password(made())
                    memory.put("redis", {"password": server.password})
                    secretsource.default_store().invalidate()
                caches["default"]._cache.get_client().close()


class TestNothingIsShown:
    """In settings whose names say nothing of what they hold."""

    @pytest.fixture
    def value(self, memory: MemoryResolver) -> Iterator[str]:
        value = made()
        memory.put("pepipost", {"sender": value})
        with override_settings(
            PEPIPOST=secret("pepipost/sender"),
            PEPIPOST_NOW=get_secret("pepipost/sender"),
            PEPIPOST_LIST=[{"sender": get_secret("pepipost/sender"), "later": secret("pepipost/sender")}],
        ):
            yield value

    @staticmethod
    def fail(request: HttpRequest) -> HttpResponse:
        held, now = settings.PEPIPOST, settings.PEPIPOST_NOW
        beside = {"sender": str(held), "part": now[:4]}
        raise ZeroDivisionError(sorted(beside))

    @pytest.mark.parametrize("accept", ["text/html", "text/plain"])
    def test_on_the_debug_page(self, value: str, accept: str) -> None:
        views["fail"] = self.fail
        with override_settings(DEBUG=True):
            page = Client(raise_request_exception=False).get("/fail/", headers={"accept": accept})
        text = page.content.decode()
        assert 500 == page.status_code
        assert "PEPIPOST_NOW" in text
        assert value not in text
        assert value[:4] not in text
        assert "pepipost/sender" in text

    def test_in_the_mails_to_the_admins(self, value: str) -> None:
        views["fail"] = self.fail
        mail.outbox = []
        admins: list[Any] = ["a@example.com"] if django.VERSION >= (6,) else [("a", "a@example.com")]
        backend = "django.core.mail.backends.locmem.EmailBackend"
        mailing: dict[str, Any] = {"EMAIL_BACKEND": backend}
        if django.VERSION >= (6, 1):
            mailing = {"MAILERS": {"default": {"BACKEND": backend}}}
        with override_settings(ADMINS=admins, **mailing):
            import logging

            logger, handler = logging.getLogger("django.request"), AdminEmailHandler(include_html=True)
            logger.addHandler(handler)
            try:
                Client(raise_request_exception=False).get("/fail/")
            finally:
                logger.removeHandler(handler)
        [report] = [each for each in mail.outbox if each.alternatives]  # type: ignore[attr-defined]  # the stubs know text mails only
        told = report.body + str(report.alternatives)  # type: ignore[attr-defined]  # see above
        assert "PEPIPOST_NOW" in told
        assert value not in told

    def test_by_diffsettings(self, value: str) -> None:
        told = commanded("diffsettings", "--all")
        assert "PEPIPOST = secret('pepipost/sender')" in told
        assert "PEPIPOST_NOW = MaskedStr('********')" in told
        assert value not in told

    def test_by_the_filter_of_reports(self, value: str) -> None:
        safe = debug.SafeExceptionReporterFilter().get_safe_settings()
        assert value not in repr(safe)
        assert "secret('pepipost/sender')" == repr(safe["PEPIPOST"])


class TestCheck:
    def checked(self, *arguments: str) -> str:
        try:
            return commanded("check", *arguments)
        except SystemCheckError as error:
            return str(error)

    def test_without_deploy_nobody_is_asked(self, memory: MemoryResolver) -> None:
        assert "no issues" in self.checked()
        assert [] == memory.calls

    def test_all_is_well(self, memory: MemoryResolver) -> None:
        assert "no issues" in self.checked("--deploy", "--tag", "secrets")
        assert memory.calls

    def test_it_is_among_the_deployment_checks_of_security(self, memory: MemoryResolver) -> None:
        memory.put("django", {"other": "x"})
        assert "(secretsource.E001)" in self.checked("--deploy", "--tag", "security")
        assert "(secretsource.E001)" not in self.checked("--tag", "secrets")

    def test_everything_that_is_wrong_is_told_in_one_round(self, memory: MemoryResolver) -> None:
        memory.put("a", {"denied": "x"})
        memory.put("b", {"down": "x"})
        memory.put("c", {"broken": "x"})
        memory.deny("a")
        memory.fail("server", "b")
        memory.fail("broken", "c")
        databases = {"default": {"PASSWORD": secret("d/missing")}}
        with override_settings(
            A=secret("a/denied"), B=[secret("b/down")], C={"x": secret("c/broken")}, D=databases
        ):
            lines = self.checked("--deploy", "--tag", "secrets").splitlines()
        told = [line.partition(")")[0] for line in lines if "(secretsource." in line]
        assert [
            "A: (secretsource.E002",
            "B[0]: (secretsource.E003",
            "C['x']: (secretsource.E004",
            "D['default']['PASSWORD']: (secretsource.E001",
        ] == told
        assert any("'d/missing' was not found; asked:" in line for line in lines)

    def test_a_denial_comes_with_the_policy(self, memory: MemoryResolver) -> None:
        memory.put("a", {"b": "x"})
        memory.deny("a")
        with override_settings(A=secret("a/b")):
            assert "HINT: policy for memory:\nallow reading a\n" in self.checked(
                "--deploy", "--tag", "secrets"
            )

    def test_a_missing_key_of_django_does_not_end_the_round(self, memory: MemoryResolver) -> None:
        memory.put("django", {"other": "x"})
        with override_settings(A=secret("a/b")):
            told = self.checked("--deploy")
        assert "SECRET_KEY: (secretsource.E001)" in told
        assert "A: (secretsource.E001)" in told
        assert "security.W009" in told

    def test_a_fallback_may_be_missing_and_must_not_be_denied(self, memory: MemoryResolver) -> None:
        memory.put("old", {"key": "x"})
        with override_settings(SECRET_KEY_FALLBACKS=fallbacks("x/y", "old/key")):
            assert "no issues" in self.checked("--deploy", "--tag", "secrets")
            memory.deny("old")
            assert "SECRET_KEY_FALLBACKS[1]: (secretsource.E002)" in self.checked(
                "--deploy", "--tag", "secrets"
            )

    def test_a_wrong_configuration_is_told_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRETSOURCE_CHAIN", "nobody")
        with override_settings(A=secret("a/b")):
            told = self.checked("--deploy", "--tag", "secrets")
        assert 1 == told.count("secretsource: (secretsource.E005)")

    def test_stores_of_their_own_are_asked_too(self, memory: MemoryResolver) -> None:
        with Store([MemoryResolver({"a": "x"}, name="own")]) as store:
            with override_settings(A=secret("a", store=store), B=secret("b", store=store)):
                told = self.checked("--deploy", "--tag", "secrets")
        assert "A:" not in told
        assert "own at b: not there" in told

    def test_no_value_is_told(self, memory: MemoryResolver) -> None:
        value = made()
        memory.put("a", {"b": value})
        with override_settings(A=secret("a/b"), B=secret("a/c")):
            assert value not in self.checked("--deploy")


def test_the_types_of_the_settings_are_public() -> None:
    assert isinstance(secret("a"), LazySecret)
    assert "LazySecret" == LazySecret.__name__
    assert 404 == get("nothing/at/all")[0]
    assert RequestFactory().get("/").path == "/"
