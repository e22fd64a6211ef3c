"""Settings of a Flask app are secrets, whoever reads them and however."""

from __future__ import annotations

import copy
import importlib
import json
import logging
import pickle
import secrets as random
import sys
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import flask
import pytest
from flask import Flask, current_app, session
from werkzeug.local import LocalProxy

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    MissingDependency,
    SecretHandle,
    SecretNotFound,
    Store,
    configure,
    secret,
)
from secretsource.integrations.flask import SecretSource, backend_unavailable
from secretsource.testing import MemoryResolver, override
from tests.fakes import FakeClock

NAME = "pepipost/api_key"
knows_old_keys = pytest.mark.skipif(
    version("flask") < "3.1", reason="SECRET_KEY_FALLBACKS came with Flask 3.1"
)


@pytest.fixture
def canary() -> str:
    return random.token_hex(8)


@pytest.fixture
def memory(canary: str) -> MemoryResolver:
    return MemoryResolver({NAME: canary, "db/primary": {"user": "shop", "password": "p"}, "raw": b"\xff\x00"})


@pytest.fixture
def store(memory: MemoryResolver) -> Store:
    return Store([memory])


@pytest.fixture
def app(store: Store) -> Flask:
    app = Flask(__name__)
    app.config["PEPIPOST_KEY"] = secret(NAME)
    app.config["PLAIN"] = "plain"
    SecretSource(app, store=store)
    return app


READERS: dict[str, Callable[[flask.Config], Any]] = {
    "config[key]": lambda config: config["PEPIPOST_KEY"],
    "get": lambda config: config.get("PEPIPOST_KEY"),
    "get with a default": lambda config: config.get("PEPIPOST_KEY", "default"),
    "setdefault": lambda config: config.setdefault("PEPIPOST_KEY", "default"),
    "pop": lambda config: config.pop("PEPIPOST_KEY"),
    "popitem": lambda config: next(
        value for key, value in iter(config.popitem, None) if key == "PEPIPOST_KEY"
    ),
    "items": lambda config: dict(list(config.items()))["PEPIPOST_KEY"],
    "values": lambda config: next(
        each for each in config.values() if isinstance(each, str) and len(each) == 16
    ),
    "get_namespace": lambda config: config.get_namespace("PEPIPOST_")["key"],
    "get_namespace as it stands": lambda config: config.get_namespace(
        "PEPI", lowercase=False, trim_namespace=False
    )["PEPIPOST_KEY"],
    "dict": lambda config: dict(config)["PEPIPOST_KEY"],
    "unpacked": lambda config: {**config}["PEPIPOST_KEY"],
    "as keywords": lambda config: _keywords(**config)["PEPIPOST_KEY"],
    "joined": lambda config: (config | {"OTHER": 1})["PEPIPOST_KEY"],
    "updated into another": lambda config: _updated({}, config)["PEPIPOST_KEY"],
    "copy()": lambda config: config.copy()["PEPIPOST_KEY"],
    "copy.copy": lambda config: copy.copy(config)["PEPIPOST_KEY"],
    "copy.deepcopy": lambda config: copy.deepcopy(config)["PEPIPOST_KEY"],
    "json": lambda config: json.loads(json.dumps(config, default=str))["PEPIPOST_KEY"],
}


def _keywords(**settings: Any) -> dict[str, Any]:
    return settings


def _updated(settings: dict[str, Any], config: flask.Config) -> dict[str, Any]:
    settings.update(config)
    return settings


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_a_setting_is_read_however_it_is_asked_for(
    app: Flask, canary: str, read: Callable[[flask.Config], Any]
) -> None:
    assert canary == read(app.config)


PUTTERS: dict[str, Callable[[flask.Config], Any]] = {
    "config[key]": lambda config: config.__setitem__("NEW_KEY", secret(NAME)),
    "update": lambda config: config.update({"NEW_KEY": secret(NAME)}),
    "update with pairs": lambda config: config.update([("NEW_KEY", secret(NAME))]),
    "update with keywords": lambda config: config.update(NEW_KEY=secret(NAME)),
    "setdefault": lambda config: config.setdefault("NEW_KEY", secret(NAME)),
    "from_mapping": lambda config: config.from_mapping(NEW_KEY=secret(NAME)),
    "from_object": lambda config: config.from_object(type("Production", (), {"NEW_KEY": secret(NAME)})),
    "joined in place": lambda config: config.__ior__({"NEW_KEY": secret(NAME)}),
}


@pytest.mark.parametrize("put", PUTTERS.values(), ids=PUTTERS.keys())
def test_a_setting_may_be_put_there_in_every_way_and_later(
    app: Flask, canary: str, put: Callable[[flask.Config], Any]
) -> None:
    put(app.config)
    assert canary == app.config["NEW_KEY"]


def test_a_setting_may_come_from_a_file(app: Flask, canary: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text(f"from secretsource import secret\nNEW_KEY = secret({NAME!r})\n")
    app.config.from_pyfile(path)
    assert canary == app.config["NEW_KEY"]


def test_settings_may_be_given_by_name(store: Store, canary: str) -> None:
    app = Flask(__name__)
    app.config["PEPIPOST_KEY"] = "from an old file"
    SecretSource(app, secrets={"PEPIPOST_KEY": NAME}, store=store)
    assert canary == app.config["PEPIPOST_KEY"]


def test_a_name_that_breaks_the_grammar_is_told_at_once() -> None:
    with pytest.raises(InvalidReference):
        SecretSource(secrets={"PEPIPOST_KEY": "pepipost//key"})


def test_other_settings_are_untouched(app: Flask) -> None:
    app.config["NESTED"] = nested = {"a": [1, ("b",)]}
    assert ("plain", None, "default") == (
        app.config["PLAIN"],
        app.config.get("MISSING"),
        app.config.get("MISSING", "default"),
    )
    assert nested is app.config["NESTED"]
    assert "default" == app.config.pop("MISSING", "default")
    with pytest.raises(KeyError):
        app.config["MISSING"]
    with pytest.raises(KeyError):
        app.config.pop("MISSING")


def test_the_last_setting_is_popped_first_and_stays_if_it_cannot_be_read(
    app: Flask, memory: MemoryResolver, canary: str
) -> None:
    app.config["LAST"] = secret(NAME)
    memory.deny(NAME)
    with pytest.raises(AccessDenied):
        app.config.popitem()
    memory.recover()
    assert ("LAST", canary) == app.config.popitem()
    assert "LAST" not in app.config
    app.config.clear()
    with pytest.raises(KeyError):
        app.config.popitem()


def test_a_setting_that_is_popped_is_gone(app: Flask, canary: str) -> None:
    assert canary == app.config.pop("PEPIPOST_KEY")
    assert "PEPIPOST_KEY" not in app.config


def test_secrets_are_found_in_lists_tuples_and_dictionaries(app: Flask, canary: str) -> None:
    app.config["OPTIONS"] = {
        "connect_args": {"password": secret("db/primary/password")},
        "keys": [secret(NAME), "x"],
    }
    app.config["PAIR"] = (secret("db/primary/user"), 1)
    assert {"connect_args": {"password": "p"}, "keys": [canary, "x"]} == app.config["OPTIONS"]
    assert ("shop", 1) == app.config["PAIR"]


class Server(NamedTuple):
    host: str
    password: Any


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (OrderedDict(b=1, a=secret(NAME)), lambda key: OrderedDict(b=1, a=key)),
        (defaultdict(list, a=secret(NAME)), lambda key: defaultdict(list, a=key)),
        (Server("db", secret(NAME)), lambda key: Server("db", key)),
        (namedtuple("Pair", "x y")(secret(NAME), 1), lambda key: (key, 1)),
        ({secret(NAME), "x"}, lambda key: {key, "x"}),
        (frozenset({secret(NAME)}), lambda key: frozenset({key})),
        ([{"a": Server("db", (secret(NAME),))}], lambda key: [{"a": Server("db", (key,))}]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_secrets_are_found_in_what_is_like_these(
    app: Flask, canary: str, stored: Any, read: Callable[[str], Any]
) -> None:
    app.config["OPTIONS"] = stored
    found = app.config["OPTIONS"]
    assert (read(canary), type(stored)) == (found, type(found))
    assert app.config["OPTIONS"] is not found


def test_a_dictionary_that_was_read_still_makes_its_defaults(app: Flask) -> None:
    app.config["OPTIONS"] = defaultdict(list, a=secret(NAME))
    assert [] == app.config["OPTIONS"]["b"]


class Own(dict[str, Any]):
    """What may be made in any way."""


@pytest.mark.parametrize("where", [lambda own: own, lambda own: [{"x": own}]], ids=["alone", "in others"])
def test_a_secret_that_cannot_be_put_in_its_place_is_told(app: Flask, where: Callable[[Own], Any]) -> None:
    app.config["OPTIONS"] = where(Own(a=(secret(NAME),)))
    with pytest.raises(TypeError, match=r"the setting 'OPTIONS' has a secret in a Own"):
        app.config["OPTIONS"]
    app.config["OPTIONS"] = own = where(Own(a=("plain",)))
    assert own is app.config["OPTIONS"]


def test_a_config_in_a_config_reads_by_itself(app: Flask, canary: str) -> None:
    other = Flask("other")
    SecretSource(other, secrets={"KEY": "own/key"}, store=Store([MemoryResolver({"own/key": canary})]))
    app.config["OTHER"] = other.config
    assert other.config is app.config["OTHER"]
    assert canary == app.config["OTHER"]["KEY"]


def test_what_stands_for_a_dictionary_is_not_looked_into(app: Flask) -> None:
    """It may have none behind it outside a request."""
    app.config["G"] = flask.g
    app.config["LOCAL"] = LocalProxy(lambda: {"a": 1})
    assert flask.g is app.config["G"]
    assert {"a": 1} == app.config["LOCAL"]


@pytest.fixture
def other() -> MemoryResolver:
    """A place of its own, which has another value of the same name."""
    return MemoryResolver({NAME: "of its own"})


@pytest.fixture
def own_handle(other: MemoryResolver) -> SecretHandle:
    """A handle that reads from a store of its own, as those of settings classes do."""
    settings = pytest.importorskip("pydantic_settings")
    ours = importlib.import_module("secretsource.integrations.pydantic_settings")
    store = Store([other], ttl=0)

    class Settings(settings.BaseSettings):  # type: ignore[misc,name-defined]  # it may be absent
        key: Annotated[SecretHandle, ours.FromSecret(NAME)]

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, *_: Any, **__: Any) -> Any:
            return (ours.SecretSource(settings_cls, store=store),)

    handle: SecretHandle = Settings().key
    return handle


def test_a_handle_that_has_a_store_of_its_own_is_read_from_there(
    app: Flask, own_handle: SecretHandle, canary: str
) -> None:
    app.config["OTHER_KEY"] = own_handle
    app.config["KEYS"] = [own_handle, secret(NAME)]
    assert "of its own" == app.config["OTHER_KEY"]
    assert ["of its own", canary] == app.config["KEYS"]


def test_it_is_read_from_there_at_the_start_too(
    app: Flask, memory: MemoryResolver, own_handle: SecretHandle, other: MemoryResolver
) -> None:
    app.config["PEPIPOST_KEY"] = own_handle
    other.deny()
    with pytest.raises(AccessDenied):
        app.extensions["secretsource"].prefetch(app)
    assert [] == memory.calls


def test_variables_reach_into_a_dictionary_that_has_a_secret(
    app: Flask, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_REDIS__host", "redis.internal")
    app.config["REDIS"] = {"password": secret(NAME)}
    assert app.config.from_prefixed_env()
    assert {"password": canary, "host": "redis.internal"} == app.config["REDIS"]
    assert "secret('pepipost/api_key')" in repr(app.config), "it is still read"


def test_a_binary_secret_is_bytes(app: Flask) -> None:
    app.config["RAW"] = secret("raw")
    assert b"\xff\x00" == app.config["RAW"]


def test_a_new_value_is_used_from_the_next_read_past_the_ttl(memory: MemoryResolver, canary: str) -> None:
    clock = FakeClock()
    app = Flask(__name__)
    SecretSource(app, secrets={"PEPIPOST_KEY": NAME}, store=Store([memory], clock=clock))
    kept = [app.config, app.config.copy(), copy.deepcopy(app.config)]
    app.config.update(app.config.copy())
    assert [canary] * 3 == [config["PEPIPOST_KEY"] for config in kept]
    memory.put(NAME, "new")
    clock.advance(300)
    assert ["new"] * 3 == [config["PEPIPOST_KEY"] for config in kept]


def test_nothing_is_read_before_it_is_asked_for(app: Flask, memory: MemoryResolver) -> None:
    app.config["OTHER"] = secret("not/there")
    assert "PEPIPOST_KEY" in app.config
    assert {"PEPIPOST_KEY", "OTHER", "PLAIN"} < set(app.config)
    assert len(list(app.config)) == len(app.config)
    assert {} == app.config.get_namespace("NOTHING_")
    assert "plain" == app.config.get_namespace("PLAI")["n"]
    app.config.copy()
    repr(app.config)
    assert [] == memory.calls


def test_the_process_wide_store_of_the_moment_is_read(canary: str) -> None:
    configure(chain=[MemoryResolver({NAME: "first"})])
    app = Flask(__name__)
    SecretSource(app, secrets={"PEPIPOST_KEY": NAME})
    assert "first" == app.config["PEPIPOST_KEY"]
    configure(chain=[MemoryResolver({NAME: "second"})])
    assert "second" == app.config["PEPIPOST_KEY"]
    with override({NAME: canary}):
        assert canary == app.config["PEPIPOST_KEY"]


def test_a_secret_that_has_no_value_is_an_error_and_never_a_default(
    app: Flask, memory: MemoryResolver
) -> None:
    app.config["OTHER"] = secret("not/there")
    with pytest.raises(SecretNotFound):
        app.config.get("OTHER", "default")
    with pytest.raises(SecretNotFound):
        app.config["OTHER"]
    memory.deny(NAME)
    with pytest.raises(AccessDenied):
        app.config.get("PEPIPOST_KEY")
    memory.fail("timeout", NAME)
    with pytest.raises(BackendUnavailable):
        app.config.pop("PEPIPOST_KEY", None)


def test_the_config_remains_the_same_object_and_a_flask_config(store: Store) -> None:
    app = Flask(__name__)
    before, in_templates = app.config, app.jinja_env.globals["config"]
    SecretSource(app, secrets={"PEPIPOST_KEY": NAME}, store=store)
    assert before is app.config is in_templates
    assert isinstance(app.config, flask.Config)
    assert flask.Config is type(Flask(__name__).config), "other apps are not touched"


def test_an_app_with_a_config_class_of_its_own_keeps_it(store: Store, canary: str) -> None:
    class Loud(flask.Config):
        def __getitem__(self, key: str) -> Any:
            return "loud" if key == "LOUD" else super().__getitem__(key)

        def extra(self) -> str:
            return "extra"

    class Own(Flask):
        config_class = Loud

    app = Own(__name__)
    SecretSource(app, secrets={"PEPIPOST_KEY": NAME}, store=store)
    assert isinstance(app.config, Loud)
    assert (canary, "loud", "extra") == (app.config["PEPIPOST_KEY"], app.config["LOUD"], app.config.extra())


def test_one_extension_serves_several_apps(store: Store, canary: str) -> None:
    source = SecretSource(secrets={"PEPIPOST_KEY": NAME}, store=store)
    apps = [Flask("one"), Flask("two")]
    for app in apps:
        source.init_app(app)
    assert [canary] * 2 == [app.config["PEPIPOST_KEY"] for app in apps]
    assert [source] * 2 == [app.extensions["secretsource"] for app in apps]


def test_an_app_has_one_extension(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="SecretSource already"):
        SecretSource(app)


def test_everything_is_read_at_the_start_in_one_round(
    app: Flask, store: Store, memory: MemoryResolver
) -> None:
    app.config["OPTIONS"] = {"password": secret("db/primary/password")}
    app.config["SECRET_KEY_FALLBACKS"] = [secret("no/old_key")]
    app.extensions["secretsource"].prefetch(app)
    assert ["db/primary", "pepipost"] == sorted(memory.calls)
    memory.reset_calls()
    app.config["PEPIPOST_KEY"], app.config["OPTIONS"]
    assert [] == memory.calls


def test_a_start_without_a_secret_fails_and_names_all_of_them(app: Flask) -> None:
    app.config.update(FIRST=secret("not/there"), SECOND=secret("nor/here"))
    with pytest.raises(SecretNotFound) as caught:
        app.extensions["secretsource"].prefetch(app)
    told = f"{caught.value} {caught.value.__notes__}"
    assert "not/there" in told
    assert "nor/here" in told


def test_views_read_the_config_of_their_app(app: Flask, canary: str) -> None:
    @app.get("/")
    def index() -> dict[str, bool]:
        return {"right": current_app.config["PEPIPOST_KEY"] == canary}

    assert {"right": True} == app.test_client().get("/").json


# Session keys


@pytest.fixture
def keys() -> MemoryResolver:
    return MemoryResolver({"flask": {"secret_key": "key 1"}})


def visited(keys: MemoryResolver, clock: FakeClock) -> Flask:
    """Return what one process serves: an app that counts visits in the session, with a cache of its own."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = secret("flask/secret_key")
    app.config["SECRET_KEY_FALLBACKS"] = [
        secret("flask/secret_key_next"),
        secret("flask/secret_key_previous"),
    ]
    SecretSource(app, store=Store([keys], clock=clock))

    @app.get("/")
    def index() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    return app


def visit(app: Flask, cookie: str = "") -> tuple[str, str]:
    answer = app.test_client(use_cookies=False).get("/", headers={"Cookie": cookie} if cookie else {})
    assert 200 == answer.status_code, answer.text
    return answer.text, answer.headers["Set-Cookie"].split(";")[0]


def test_a_session_is_signed_with_the_key_of_the_store(keys: MemoryResolver) -> None:
    clock = FakeClock()
    app = visited(keys, clock)
    assert "key 1" == app.secret_key
    count, cookie = visit(app)
    assert ("1", "2") == (count, visit(app, cookie)[0])
    keys.put("flask/secret_key", "key 2")
    clock.advance(300)
    assert "1" == visit(app, cookie)[0], "the old key is not accepted any more"


@knows_old_keys
def test_a_rotated_key_logs_nobody_out_whichever_process_notices_first(keys: MemoryResolver) -> None:
    clocks = [FakeClock(), FakeClock()]
    one, two = (visited(keys, clock) for clock in clocks)
    count, cookie = visit(one)
    assert ("1", "2") == (count, visit(two, cookie)[0])

    keys.put("flask", {"secret_key": "key 1", "secret_key_next": "key 2"})
    for clock in clocks:
        clock.advance(300)  # both have it now
    visit(one, cookie), visit(two, cookie)
    keys.put("flask", {"secret_key": "key 2", "secret_key_previous": "key 1"})
    clocks[0].advance(300)  # only one has noticed

    count, signed_anew = visit(one, cookie)
    assert "2" == count, "one accepts what the old key has signed"
    assert "3" == visit(two, signed_anew)[0], "the other one accepts what the new key has signed"
    clocks[1].advance(300)
    assert ("2", "3") == (visit(two, cookie)[0], visit(two, signed_anew)[0])


def test_old_keys_that_are_not_there_are_left_out(keys: MemoryResolver) -> None:
    app = visited(keys, FakeClock())
    assert [] == app.config["SECRET_KEY_FALLBACKS"]
    keys.put("flask/secret_key_previous", "key 0")
    assert ["key 0"] == visited(keys, FakeClock()).config["SECRET_KEY_FALLBACKS"]


@knows_old_keys
def test_nobody_signs_with_an_empty_old_key(keys: MemoryResolver) -> None:
    keys.put("flask/secret_key_previous", "")
    app = visited(keys, FakeClock())
    assert [] == app.config["SECRET_KEY_FALLBACKS"]
    forger = Flask(__name__)
    forger.secret_key = "x"
    serializer = forger.session_interface.get_signing_serializer(forger)  # type: ignore[attr-defined]  # the default one has it
    serializer.secret_keys = [b""]
    browser = app.test_client()
    browser.set_cookie("session", serializer.dumps({"visits": 41}))
    assert "1" == browser.get("/").text


def test_old_keys_that_cannot_be_read_are_an_error(keys: MemoryResolver) -> None:
    app = visited(keys, FakeClock())
    keys.deny()
    with pytest.raises(AccessDenied):
        app.config["SECRET_KEY_FALLBACKS"]


def test_a_session_key_that_cannot_be_read_is_500_whatever_the_handlers(keys: MemoryResolver) -> None:
    app = visited(keys, FakeClock())
    app.register_error_handler(BackendUnavailable, backend_unavailable)
    keys.fail("refused")
    answer = app.test_client().get("/")
    assert 500 == answer.status_code
    assert "secret_key" not in answer.text


def test_a_single_old_key_is_no_list_of_characters(keys: MemoryResolver) -> None:
    app = visited(keys, FakeClock())
    app.config["SECRET_KEY_FALLBACKS"] = secret("flask/secret_key")
    assert ["key 1"] == app.config["SECRET_KEY_FALLBACKS"]


# What shows


def test_nothing_that_is_printed_of_a_config_has_a_value(app: Flask, canary: str) -> None:
    assert canary == app.config["PEPIPOST_KEY"]
    shown = [
        repr(app.config),
        str(app.config),
        repr(app.config.copy()),
        repr(list(app.config.items())),
        repr(list(app.config.values())),
        repr(dict(app.config)),
        repr(app.config.get_namespace("PEPI")),
        repr(app.extensions),
        flask.Flask.jinja_env.__get__(app).from_string("{{ config }}{{ config.items()|list }}").render(),
    ]
    assert "secret('pepipost/api_key')" in shown[0]
    assert [] == [text for text in shown if canary in text]


def test_a_config_with_secrets_is_not_pickled(app: Flask) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(app.config)


def test_the_page_of_the_debugger_shows_no_value(app: Flask, canary: str) -> None:
    from werkzeug.debug import DebuggedApplication
    from werkzeug.test import Client

    @app.get("/")
    def index() -> str:
        key = current_app.config["PEPIPOST_KEY"]
        raise RuntimeError(f"broken with {key!r} and {current_app.config!r}")

    app.debug = True
    page = Client(DebuggedApplication(app, evalex=True)).get("/")
    assert 500 == page.status_code
    assert "broken with MaskedStr" in page.text
    assert canary not in page.text


def test_an_error_tells_the_client_nothing(app: Flask, memory: MemoryResolver) -> None:
    @app.get("/")
    def index() -> str:
        return str(len(current_app.config["PEPIPOST_KEY"]))

    memory.deny()
    answer = app.test_client().get("/")
    assert 500 == answer.status_code
    assert "pepipost" not in answer.text


def test_an_outage_is_503_where_the_app_wants_it(
    app: Flask, memory: MemoryResolver, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def index() -> str:
        return str(len(current_app.config["PEPIPOST_KEY"]))

    app.register_error_handler(BackendUnavailable, backend_unavailable)
    memory.fail("sealed", retry_after=6.2)
    with caplog.at_level(logging.ERROR, logger="secretsource"):
        answer = app.test_client().get("/")
    assert (503, "7") == (answer.status_code, answer.headers["Retry-After"])
    assert "pepipost" not in answer.text
    assert "'pepipost/api_key'" in caplog.text
    memory.deny()
    assert 500 == app.test_client().get("/").status_code


def test_without_the_framework_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)
    for module in [each for each in sys.modules if each.startswith("secretsource.integrations.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependency, match=r"secretsource\[flask\]"):
        importlib.import_module("secretsource.integrations.flask")
