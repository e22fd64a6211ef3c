"""Settings of dynaconf that are secrets."""

from __future__ import annotations

import json
import os
import pickle
import pprint
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from dynaconf import Dynaconf, FlaskDynaconf, ValidationError, Validator  # type: ignore[import-untyped]
from dynaconf.utils.inspect import get_history, inspect_settings  # type: ignore[import-untyped]
from dynaconf.utils.parse_conf import converters  # type: ignore[import-untyped]

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    InvalidValue,
    MaskedStr,
    SecretNotFound,
    Store,
    default_store,
)
from secretsource._default import replace_default_store
from secretsource.integrations.dynaconf import LOADERS
from secretsource.testing import MemoryResolver, override
from tests.fakes import ROOT, FakeClock

Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what makes settings from the text of a file, and mapped secrets."""
    monkeypatch.chdir(tmp_path)

    def made(text: str = "", **options: Any) -> Any:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        return Dynaconf(settings_files=[str(path)], loaders=LOADERS, **options)

    return made


# The loader


def test_mapped_settings_are_secrets(make: Make) -> None:
    with override({"pepipost/api_key": "x"}):
        settings = make(secretsource={"PEPIPOST_API_KEY": "pepipost/api_key"})
        assert (
            "x"
            == settings.PEPIPOST_API_KEY
            == settings["PEPIPOST_API_KEY"]
            == settings.get("PEPIPOST_API_KEY")
        )
        assert "x" == settings.pepipost_api_key


def test_the_mapping_may_stand_in_the_file_and_be_nested(make: Make) -> None:
    text = """
        [secretsource]
        API_KEY = "pepipost/api_key"
        [secretsource.email]
        password = "email/password"
        "other.key" = "email/key"
        [email]
        host = "h"
    """
    with override({"pepipost/api_key": "x", "email": {"password": "y", "key": "z"}}):
        settings = make(text)
        assert ["x", "y", "z"] == [settings.API_KEY, settings.email.password, settings.EMAIL.other.key]
        assert "y" == settings("email.password")
        assert "h" == settings.email.host


def test_nested_settings_are_secrets_where_dots_are_switched_off(make: Make) -> None:
    with override({"email/password": "x"}):
        settings = make(dotted_lookup=False, secretsource={"email": {"password": "email/password"}})
        assert "x" == settings.email.password


def test_each_environment_has_a_mapping_of_its_own(make: Make) -> None:
    text = """
        [default.secretsource]
        API_KEY = "test/api_key"
        [production.secretsource]
        API_KEY = "prod/api_key"
    """
    with override({"test/api_key": "x", "prod/api_key": "y"}):
        settings = make(text, environments=True)
        assert ["x", "y"] == [settings.API_KEY, settings.from_env("production").API_KEY]
        with settings.using_env("production"):
            assert "y" == settings.API_KEY
        assert "x" == settings.API_KEY


def test_a_secret_goes_before_a_file_and_the_environment_before_a_secret(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNACONF_B", "env")
    with override({"a": "secret", "b": "secret"}):
        settings = make('A = "file"\nB = "file"', secretsource={"A": "a", "B": "b"})
        assert ["secret", "env"] == [settings.A, settings.B]


def test_what_is_not_there_keeps_the_value_of_the_file(make: Make) -> None:
    with override({"b": "secret"}):
        settings = make('A = "file"', secretsource={"A": "a", "B": "b", "C": "c"})
        assert ("file", "secret", None) == (settings.A, settings.B, settings.get("C"))


def test_a_required_setting_that_is_not_there_is_the_error_of_the_validator(make: Make) -> None:
    with override(), pytest.raises(ValidationError, match="A is required in env main"):
        _ = make(secretsource={"A": "a"}, validators=[Validator("A", must_exist=True)]).A


def test_all_are_asked_for_in_one_round_and_only_once() -> None:
    memory = MemoryResolver({"db": {"user": "u", "password": "p"}, "a": "x"})
    replace_default_store(Store([memory]))
    names = {"USER": "db/user", "PASSWORD": "db/password", "A": "a", "MISSING": "nope"}
    settings = Dynaconf(loaders=LOADERS, secretsource=names)
    assert ["u", "p", "x"] == [settings.USER, settings.PASSWORD, settings.A]
    assert ["a", "db", "nope"] == sorted(memory.calls)


def test_without_a_secret_no_store_is_built(make: Make, tmp_path: Path) -> None:
    (tmp_path / "secretsource.toml").write_text("wrong = 1")
    assert 1 == make("A = 1").A
    with pytest.raises(ConfigError):
        _ = make(secretsource={"A": "a"}).A


@pytest.mark.parametrize("silent", [True, False])
def test_a_denial_is_not_silent_and_names_the_setting(make: Make, silent: bool) -> None:
    with override({"b": "x"}) as overrides:
        overrides.deny("email/key")
        settings = make(
            secretsource={"missing": "a", "email.key": "email/key", "B": "b"}, silent_errors=silent
        )
        with pytest.raises(AccessDenied) as raised:
            _ = settings.B
    assert "asked for by the setting email.key" == raised.value.__notes__[-1]


def test_an_outage_is_not_silent(make: Make) -> None:
    with override({"a": "x"}) as overrides:
        overrides.fail("server", "a")
        with pytest.raises(BackendUnavailable):
            _ = make('A = "file"', secretsource={"A": "a"}).A


@pytest.mark.parametrize(
    ("mapping", "kind", "message"),
    [
        ({"A": 1}, ConfigError, "SECRETSOURCE: A must be a name, not of type int"),
        (["A"], ConfigError, "SECRETSOURCE must map settings to names, and is of type"),
        ({"A": "../x"}, InvalidReference, "'../x' is no name"),
        ({"A": "a @upper"}, ConfigError, "write @secret and a name, with one of @int, @float, @bool, @json"),
        ({"A": ""}, ConfigError, "write @secret and a name"),
    ],
)
def test_a_wrong_mapping_is_told(make: Make, mapping: Any, kind: type[Exception], message: str) -> None:
    with override(), pytest.raises(kind, match=message.replace("*", r"\*")):
        _ = make(secretsource=mapping).A


# @secret


def test_a_token_in_a_file_is_read_wherever_it_stands(make: Make) -> None:
    text = """
        KEY = "@secret a/key"
        HOSTS = ["x", "@secret a/host"]
        [email]
        key = "@secret vault://kv/email#key"
        [email.deep]
        list = [{key = "@secret a/key"}]
    """
    with override({"a/key": "x", "a/host": "y", "vault://kv/email#key": "z"}):
        settings = make(text)
        assert ["x", "z", "y"] == [settings.KEY, settings.email.key, settings.HOSTS[1]]
        assert "x" == settings.email.deep.list[0].key


def test_a_token_in_the_environment_is_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNACONF_KEY", "@secret a/key")
    with override({"a/key": "x"}):
        assert "x" == make().KEY


def test_a_token_is_read_where_the_loader_comes_after_the_file(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = converters["@secret"]
    monkeypatch.delitem(converters, "@secret")  # as before the first import of the loader
    with override({"a/key": "x"}):
        settings = make('KEY = "@secret a/key"\nLIST = ["@secret a/key"]\n[email]\nkey = "@secret a/key"')
        assert ["x", "x", "x"] == [settings.KEY, settings.LIST[0], settings.email.key]
    converters["@secret"] = token


def test_a_token_reads_nothing_before_its_setting_is_read(make: Make) -> None:
    with override({"a/key": "x"}) as overrides:
        settings = make('KEY = "@secret a/key"\nOTHER = 1')
        assert 1 == settings.OTHER
        assert [] == overrides.calls
        assert "x" == settings.KEY


def test_a_value_is_cast_where_that_is_wanted(make: Make) -> None:
    text = """
        PORT = "@secret a/port @int"
        RATE = "@secret a/rate @float"
        ON = "@secret a/on @bool"
        DOCUMENT = "@secret a/document @json"
    """
    values = {"port": "5432", "rate": "0.5", "on": "yes", "document": '{"k": ["v"], "n": 1}'}
    with override({"a": values}):
        settings = make(text, secretsource={"OTHER": "a/port @int"})
        assert [5432, 0.5, True, 5432] == [settings.PORT, settings.RATE, settings.ON, settings.OTHER]
        assert {"k": ["v"], "n": 1} == settings.DOCUMENT
        assert "{'k': [MaskedStr('********')], 'n': 1}" == repr(dict(settings.DOCUMENT))


@pytest.mark.parametrize("cast", ["@int", "@float", "@json"])
def test_a_value_that_cannot_be_cast_is_not_shown(make: Make, cast: str) -> None:
    canary = token_hex(8) + "?"
    with override({"a/port": canary}):
        settings = make(f'PORT = "@secret a/port {cast}"')
        with pytest.raises(ConfigError, match=f"the value of 'a/port' cannot be cast with {cast}") as raised:
            _ = settings.PORT
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)


def test_other_tokens_are_made_of_a_secret(make: Make) -> None:
    text = """
        PASSWORD = "@secret db/password"
        URL = "@format postgresql://shop:{this.PASSWORD}@host/shop"
    """
    with override({"db/password": "x"}) as overrides:
        settings = make(text)
        assert "postgresql://shop:x@host/shop" == settings.get("URL")
        overrides({"db/password": "y"})
        assert "postgresql://shop:y@host/shop" == settings.get("URL")


def test_a_secret_that_is_not_there_or_denied_is_an_error_of_the_read(make: Make) -> None:
    with override() as overrides:
        settings = make('KEY = "@secret a/key"')
        with pytest.raises(SecretNotFound):
            _ = settings.KEY
        with pytest.raises(SecretNotFound):
            settings.get("KEY", "default")
        overrides.deny("a/key")
        with pytest.raises(AccessDenied):
            _ = settings.KEY


def test_a_binary_secret_is_an_error_of_the_read_that_names_it(make: Make) -> None:
    with override({"a/key": b"\xff\x00"}):
        settings = make('KEY = "@secret a/key"', secretsource={"OTHER": "a/key"})
        for setting in ("KEY", "OTHER"):
            with pytest.raises(InvalidValue, match="'a/key' is binary") as raised:
                _ = settings[setting]
            assert (None, None) == (raised.value.__cause__, raised.value.__context__)


@pytest.mark.parametrize("text", ["@secret", "@secret a b", "@secret a @int @int", "@secret a @upper"])
def test_a_token_that_is_written_in_another_way_is_told(make: Make, text: str) -> None:
    with override(), pytest.raises(ConfigError, match="write @secret and a name"):
        _ = make(f'KEY = "{text}"').OTHER


@pytest.mark.parametrize(
    "value", ["@format {env}", "@jinja {{ 1 }}", "@int 5", "@secret other", "[1]", "true", "@del", "5"]
)
def test_a_value_that_looks_like_something_of_dynaconf_is_a_value(make: Make, value: str) -> None:
    with override({"a": value}):
        settings = make(
            'B = "@secret a"',
            secretsource={"A": "a"},
            validators=[Validator("A", must_exist=True), Validator("B", is_type_of=str)],
        )
        assert [value, value] == [settings.A, settings.B]


# The value of now


@pytest.mark.parametrize("validators", [[], [Validator("A", "B", "EMAIL.KEY", must_exist=True)]])
def test_a_setting_follows_a_rotation(make: Make, validators: list[Validator]) -> None:
    memory = MemoryResolver({"a": "old"})
    clock = FakeClock()
    replace_default_store(Store([memory], ttl=10, clock=clock))
    settings = make('B = "@secret a"', secretsource={"A": "a", "email": {"key": "a"}}, validators=validators)

    def shown() -> list[str]:
        return [settings.A, settings["A"], settings.B, settings.email.key]

    assert ["old"] * 4 == shown()
    memory.put("a", "new")
    assert ["old"] * 4 == shown()
    clock.advance(11)
    assert ["new"] * 4 == shown()


def test_what_is_made_of_a_secret_follows_a_rotation(make: Make) -> None:
    text = """
        B = "@secret a"
        LIST = ["@secret a"]
        URL = "@format https://{this.B}@host"
        OUTER = "@format {this.URL}/x"
    """
    with override({"a": "old"}) as overrides:
        settings = make(text)
        for value in ("old", "new"):
            overrides({"a": value})
            assert [value] == settings.LIST
            assert f"https://{value}@host" == settings.URL == settings["URL"]
            assert f"https://{value}@host/x" == settings.OUTER


@pytest.mark.parametrize("setting", ["A", "B"])
def test_a_fresh_read_asks_the_backend(make: Make, setting: str) -> None:
    memory = MemoryResolver({"a": "old"})
    replace_default_store(Store([memory], ttl=1000))
    settings = make('B = "@secret a"', secretsource={"A": "a"})
    assert "old" == settings[setting]
    memory.put("a", "new")
    assert "new" == settings.get_fresh(setting)
    memory.put("a", "newer")
    with settings.fresh():
        assert "newer" == settings.get(setting)


def test_a_fresh_variable_asks_the_backend_each_time(make: Make) -> None:
    memory = MemoryResolver({"a": "old", "b": "x"})
    replace_default_store(Store([memory], ttl=1000))
    settings = make(secretsource={"A": "a", "B": "b"}, fresh_vars=["A"])
    assert "old" == settings.A
    memory.put("a", "new")
    before = memory.calls.count("b")
    assert "new" == settings.A
    assert before == memory.calls.count("b")


def test_a_fresh_read_of_what_was_deleted_gives_what_the_file_has(make: Make) -> None:
    memory = MemoryResolver({"a": "secret"})
    replace_default_store(Store([memory], ttl=1000))
    settings = make('A = "file"', secretsource={"A": "a"})
    assert "secret" == settings.A
    memory.remove("a")
    default_store().invalidate()
    with pytest.raises(SecretNotFound):
        _ = settings.A
    assert "file" == settings.get_fresh("A")


def test_settings_that_are_loaded_anew_have_what_the_file_has_for_what_was_deleted(make: Make) -> None:
    memory = MemoryResolver({"a": "secret"})
    replace_default_store(Store([memory], ttl=1000))
    settings = make('A = "file"', secretsource={"A": "a"})
    assert "secret" == settings.A
    memory.remove("a")
    default_store().invalidate()
    settings.reload()
    assert "file" == settings.A


@pytest.mark.parametrize(("validators", "then"), [([], 2), ([Validator("A", must_exist=True)], 1)])
def test_a_number_follows_a_rotation_unless_a_validator_has_read_it(
    make: Make, validators: list[Validator], then: int
) -> None:
    with override({"a": "1"}) as overrides:
        settings = make('A = "@secret a @int"', validators=validators)
        assert 1 == settings.get("A")
        overrides({"a": "2"})
        assert then == settings.get("A")


def test_a_fresh_read_of_what_is_denied_is_an_error(make: Make) -> None:
    with override({"a": "x"}) as overrides:
        settings = make('A = "file"', secretsource={"A": "a"})
        assert "x" == settings.A
        overrides.deny("a")
        with pytest.raises(AccessDenied):
            settings.get_fresh("A")


def test_a_change_of_the_environment_reads_no_secret_that_it_takes_away(make: Make) -> None:
    with override({"a": "x"}) as overrides:
        settings = make('[default]\nOTHER = 1\n[staging]\nA = "@secret a"', environments=True, env="staging")
        assert "x" == settings.A
        overrides.deny("a")
        with settings.using_env("production"):
            assert 1 == settings.OTHER


# Leaks


@pytest.fixture
def canary() -> str:
    return f"canary-{token_hex(8)}"


LEAKY = """
    B = "@secret a"
    URL = "@format https://{this.B}@host"
    LIST = ["@secret a"]
    [email]
    key = "@secret a"
"""
CHECKED = [Validator("A", "B", "EMAIL.KEY", "EMAIL.OTHER", must_exist=True)]


@pytest.mark.parametrize("validators", [[], CHECKED])
def test_reports_of_dynaconf_show_no_value(
    make: Make, canary: str, validators: list[Validator], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with override({"a": canary}):
        settings = make(LEAKY, secretsource={"A": "a", "email": {"other": "a"}}, validators=validators)
        assert [canary] * 4 == [settings.A, settings.B, settings.email.key, settings.email.other]
        whole = str(inspect_settings(settings, to_file=str(tmp_path / "report"), print_report=True))
        one = str(inspect_settings(settings, "A")) + str(inspect_settings(settings, "email.key"))
        history = str(get_history(settings)) + str(get_history(settings, "B"))
        printed = capsys.readouterr().out + (tmp_path / "report").read_text()
        assert canary not in whole + one + history + printed
        assert "********" in printed
        assert canary == settings.A


@pytest.mark.parametrize("report", [inspect_settings, get_history, lambda settings: repr(settings.email)])
def test_a_report_leaves_no_mask_in_the_settings(
    make: Make, canary: str, report: Callable[[Any], object]
) -> None:
    text = (
        LEAKY
        + """
        url = "@format https://{this.B}@host"
        outer = "@format {this.URL}/x"
    """
    )
    with override({"a": canary}):
        settings = make(text.replace("LIST", 'OUTER = "@format {this.URL}/x"\nLIST'))
        report(settings)
        assert [canary, [canary], canary] == [settings.B, settings.LIST, settings.email.key]
        assert f"https://{canary}@host" == settings.URL == settings.email.url
        assert f"https://{canary}@host/x" == settings.OUTER == settings.email.outer


@pytest.mark.parametrize("shown", [repr, str, pprint.pformat, "{}".format, "%s".__mod__])
def test_a_table_is_shown_without_a_read_and_whatever_is_wrong(
    make: Make, shown: Callable[[Any], str]
) -> None:
    text = """
        [email]
        host = "localhost"
        key = "@secret a/key"
        port = "@secret a/port @int"
        list = ["@secret a/key", {key = "@secret a/key"}]
        deep = {key = "@secret a/key"}
    """
    with override({"a/port": "no number"}) as overrides:
        email = make(text).email
        overrides.deny("a/key")
        told = shown(email)
        assert [] == overrides.calls
    assert "localhost" in told
    assert 5 == told.count("'********'")


def test_what_a_table_makes_of_a_secret_is_read_where_the_table_is_shown(make: Make) -> None:
    text = """
        PORT = "@secret a/port"
        [email]
        port = "@int @format {this.PORT}"
    """
    with override({"a/port": "2525"}):
        settings = make(text)
        assert "2525" in repr(settings.email)
        assert 2525 == settings.email.port


def test_settings_show_no_value(make: Make, canary: str) -> None:
    with override({"a": canary}):
        settings = make(LEAKY.replace("URL", "#"), secretsource={"A": "a"}, validators=CHECKED[:0])
        assert canary == settings.as_dict()["A"]
        assert canary not in repr(settings.as_dict())
        assert canary not in repr(settings.A) + repr(settings.email) + repr(settings.LIST) + repr(
            [settings.get("B")]
        )
        assert canary not in repr(settings.to_dict(internal=True)) + repr(list(settings.items()))


@pytest.mark.parametrize(
    "validator",
    [
        Validator("A", len_min=1000),
        Validator("A", ne="x", startswith="y"),
        Validator("A", is_in=["a"]),
        Validator("A", condition=lambda value: value == ""),
        Validator("A", cont="??") | Validator("A", eq="?"),
        Validator("A", is_type_of=int),
    ],
)
def test_messages_of_validators_show_no_value(make: Make, canary: str, validator: Validator) -> None:
    with override({"a": canary}):
        settings = make(secretsource={"A": "a"}, validators=[validator])
        with pytest.raises(ValidationError) as raised:
            _ = settings.A
    assert canary not in str(raised.value) + repr(raised.value) + repr(raised.value.details)


def test_a_validator_sees_the_value(make: Make, canary: str) -> None:
    seen: list[str] = []
    validator = Validator("A", condition=lambda value: not seen.append(f"{value} {value!s} %s" % value))  # type: ignore[func-returns-value]
    with override({"a": canary}):
        assert canary == make(secretsource={"A": "a"}, validators=[validator]).A
    assert [f"{canary} {canary} {canary}"] == seen


def test_a_value_is_text_in_every_other_hand(make: Make, canary: str) -> None:
    with override({"a": canary}):
        key = make(secretsource={"A": "a"}).A
    assert isinstance(key, MaskedStr)
    assert [canary] * 4 == [str(key), f"{key}", "%s" % key, json.loads(json.dumps(key))]  # noqa: UP031
    assert [canary.center(40), True, canary.partition("-")] == [
        f"{key:^40}",
        key.startswith("canary"),
        key.partition("-"),
    ]
    assert (str, MaskedStr) == (type(key.reveal()), type(key[:3]))


def test_a_value_is_copied_and_not_pickled(make: Make, canary: str) -> None:
    with override({"a": canary}):
        settings = make(secretsource={"A": "a"}, validators=[Validator("A", must_exist=True)])
        assert canary == settings.A == deepcopy(settings.A) == settings.dynaconf.clone().A
        with pytest.raises(TypeError, match="reveal"):
            pickle.dumps(settings.A)


def test_the_configuration_of_a_flask_app_follows_a_rotation(canary: str) -> None:
    flask = pytest.importorskip("flask")
    with override({"a": "old"}) as overrides:
        app = flask.Flask(__name__)
        FlaskDynaconf(app, loaders=LOADERS, secretsource={"SECRET_KEY": "a"}, settings_files=[])
        assert "old" == app.secret_key == app.config["SECRET_KEY"]
        overrides({"a": canary})
        assert canary == app.secret_key == app.config.get("SECRET_KEY")
        assert canary not in repr(dict(app.config.items()))


def test_a_template_of_django_shows_the_value(make: Make, canary: str) -> None:
    template = pytest.importorskip("django.template")
    with override({"a": canary}):
        settings = make(secretsource={"A": "a", "email": {"key": "a"}})
        text = "{{ key }} {{ key|upper }} {{ email.key }} {% if key == email.key %}same{% endif %}"
        page = template.Engine().from_string(text)
        shown = page.render(template.Context({"key": settings.A, "email": settings.email}))
    assert f"{canary} {canary.upper()} {canary} same" == shown


def test_a_template_of_jinja_shows_the_value(make: Make, canary: str) -> None:
    jinja2 = pytest.importorskip("jinja2")
    with override({"a": canary}):
        settings = make(secretsource={"A": "a", "email": {"key": "a"}})
        text = "{{ settings.A }} {{ settings.A|upper }} {{ settings.email.key }}"
        shown = jinja2.Environment(autoescape=True).from_string(text).render(settings=settings)
    assert f"{canary} {canary.upper()} {canary}" == shown


CONFIG = """
import sys
sys.path.insert(0, {root!r})
from dynaconf import Dynaconf, Validator
from secretsource.integrations.dynaconf import LOADERS

settings = Dynaconf(
    settings_files=["settings.toml"],
    loaders=LOADERS,
    secretsource={{"A": "a"}},
    validators=[Validator("A", must_exist=True)],
)
"""


def test_the_command_shows_a_value_to_who_gets_it_and_in_no_list(tmp_path: Path, canary: str) -> None:
    (tmp_path / "config.py").write_text(CONFIG.format(root=str(ROOT)))
    (tmp_path / "settings.toml").write_text('B = "@secret a"\nURL = "@format https://{this.B}@host"')
    (tmp_path / ".env").write_text(f"A={canary}\n")
    command = [sys.executable, "-c", "from dynaconf.cli import main; main()", "-i", "config.settings"]
    running = [
        subprocess.Popen(
            [*command, *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for arguments in (["get", "A"], ["list", "-o", "out.json"], ["list", "-j"], ["inspect"])
    ]
    got, *others = [each.communicate(timeout=60)[0] for each in running]
    assert got.endswith(canary)
    assert canary not in "".join(others) + (tmp_path / "out.json").read_text()
    assert all("********" in each for each in others if "no such option" not in each.lower())
