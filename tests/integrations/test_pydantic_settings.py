"""Settings classes whose fields are secrets."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from copy import deepcopy
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import (
    VERSION,
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    RootModel,
    SecretBytes,
    SecretStr,
    StrictStr,
    ValidationError,
    field_validator,
)
from pydantic import Secret as PydanticSecret
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from typing_extensions import TypeAliasType

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    Document,
    InvalidReference,
    MaskedBytes,
    MaskedStr,
    SecretHandle,
    Store,
    secret,
)
from secretsource.integrations.pydantic_settings import FromSecret, SecretSource
from secretsource.integrations.pydantic_settings._wanted import Model
from secretsource.testing import MemoryResolver, override
from tests.fakes import BatchResolver, FakeClock, FakeResolver

Sources = tuple[PydanticBaseSettingsSource, ...]


class Reading(BaseSettings):
    """Settings of the tests: `options` go to the source."""

    options: ClassVar[dict[str, Any]] = {}

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the others are passed on as they come
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Any,
        env_settings: Any,
        *others: Any,
        **named: Any,
    ) -> Sources:
        return init_settings, env_settings, SecretSource(settings_cls, **cls.options)


class Email(BaseModel):
    host: str = "localhost"
    api_key: SecretStr


# Which name


class Marked(Reading):
    mail: Annotated[SecretStr, FromSecret("pepipost/api_key")]


def test_a_marked_field_gets_the_secret_of_its_name() -> None:
    with override({"pepipost/api_key": "x"}):
        assert "x" == Marked().mail.get_secret_value()


@pytest.mark.parametrize("value", ["live", "neither"])
def test_a_field_may_be_a_literal(value: str) -> None:
    class Settings(Reading):
        mode: Annotated[Literal["test", "live"], FromSecret("stripe/mode")]

    with override({"stripe/mode": value}):
        if value == "live":
            assert "live" == Settings().mode
        else:
            with pytest.raises(ValidationError, match="'test' or 'live'"):
                Settings()


def test_fields_of_one_document_are_of_one_version_though_another_is_not_there() -> None:
    class Database(BaseModel):
        user: str
        password: SecretStr
        port: int = 5432

    class Settings(Reading):
        db: Annotated[Database, FromSecret("db/primary")]

    resolver = FakeResolver(fields=True)
    resolver.says["db/primary"] = lambda *_: Document(
        fields={"user": f"user {len(resolver.calls)}", "password": f"user {len(resolver.calls)}"}
    )
    Settings.options = {"store": Store([resolver], ttl=0, negative_ttl=0)}
    db = Settings().db
    assert db.user == db.password.get_secret_value()
    assert 5432 == db.port


def test_a_reference_is_a_name_too() -> None:
    class Settings(Reading):
        mail: Annotated[SecretStr, FromSecret("vault://kv/email#api_key")]

    with override({"vault://kv/email#api_key": "x"}):
        assert "x" == Settings().mail.get_secret_value()


def test_a_field_of_a_secret_type_is_asked_for_by_its_own_name() -> None:
    class Settings(Reading):
        stripe_key: SecretStr
        hook: SecretBytes | None = None

    with override({"stripe_key": "x", "hook": b"\xff"}):
        settings = Settings()
    assert "x" == settings.stripe_key.get_secret_value()
    assert settings.hook is not None
    assert b"\xff" == settings.hook.get_secret_value()


def test_a_field_in_a_nested_model_has_the_path_as_its_name() -> None:
    class Settings(Reading):
        email: Email

    with override({"email/api_key": "x"}):
        assert "x" == Settings().email.api_key.get_secret_value()


def test_a_prefix_stands_before_names_of_fields_and_not_before_given_ones() -> None:
    class Settings(Reading):
        options: ClassVar[dict[str, Any]] = {"prefix": "shop/"}
        email: Email
        own: Annotated[str, FromSecret()]
        given: Annotated[str, FromSecret("other")]

    with override({"shop/email/api_key": "x", "shop/own": "y", "other": "z"}):
        settings = Settings()
    assert ["x", "y", "z"] == [settings.email.api_key.get_secret_value(), settings.own, settings.given]


def test_a_marked_model_is_a_document() -> None:
    class Database(BaseModel):
        user: str
        password: SecretStr
        port: int = 5432

    class Settings(Reading):
        db: Annotated[Database, FromSecret("db/primary")]

    memory = MemoryResolver({"db/primary": {"user": "shop", "password": "x"}})
    with Store([memory]) as store:
        Settings.options = {"store": store}
        settings = Settings()
    assert ("shop", "x", 5432) == (
        settings.db.user,
        settings.db.password.get_secret_value(),
        settings.db.port,
    )
    assert ["db/primary"] == memory.calls


def test_a_marked_model_takes_no_reference() -> None:
    class Settings(Reading):
        email: Annotated[Email, FromSecret("vault://kv/email")]

    with override(), pytest.raises(SettingsError, match="'email' is a model: give FromSecret the name"):
        Settings()


@pytest.mark.parametrize("name", ["../x", "", "a b", "vault://"])
def test_a_mark_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(InvalidReference):
        FromSecret(name)


def test_marks_are_compared_by_name_and_show_it() -> None:
    assert FromSecret("a/b") == FromSecret("a/b") != FromSecret()
    assert 1 == len({FromSecret("a/b"), FromSecret("a/b")})
    assert "FromSecret('a/b') FromSecret()" == f"{FromSecret('a/b')} {FromSecret()}"


def test_a_mark_inside_a_union_counts() -> None:
    class Settings(Reading):
        mail: Annotated[str, FromSecret("pepipost/api_key")] | None = None

    with override({"pepipost/api_key": "x"}):
        assert "x" == Settings().mail


# What is asked for


def test_plain_fields_are_not_asked_for() -> None:
    class Settings(Reading):
        debug: bool = False
        numbers: PydanticSecret[int] = PydanticSecret(1)
        email: Email

    with override({"email/api_key": "x"}) as overrides:
        Settings()
        assert ["email"] == overrides.calls


def test_without_a_secret_no_store_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Settings(Reading):
        debug: bool = False

    (tmp_path / "secretsource.toml").write_text("wrong = 1")
    monkeypatch.chdir(tmp_path)
    assert not Settings().debug
    with pytest.raises(ConfigError):
        Marked()


def test_only_marked_fields_are_asked_for_where_that_is_wanted() -> None:
    class Settings(Reading):
        options: ClassVar[dict[str, Any]] = {"only_marked": True}
        mail: Annotated[str, FromSecret("a")]
        other: SecretStr = SecretStr("default")

    with override({"a": "x", "other": "y"}):
        settings = Settings()
    assert ["x", "default"] == [settings.mail, settings.other.get_secret_value()]


def test_what_a_source_before_has_given_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(Reading):
        model_config = SettingsConfigDict(env_nested_delimiter="__")
        one: SecretStr
        two: SecretStr
        email: Email
        three: SecretStr

    monkeypatch.setenv("TWO", "env")
    monkeypatch.setenv("EMAIL__API_KEY", "env")
    with override({"three": "x"}) as overrides:
        settings = Settings(one="init")  # type: ignore[arg-type,call-arg]
        assert ["three"] == overrides.calls
    found = [settings.one, settings.two, settings.email.api_key, settings.three]
    assert ["init", "env", "env", "x"] == [each.get_secret_value() for each in found]


def test_a_model_that_is_given_whole_is_left_alone() -> None:
    class Settings(Reading):
        email: Email

    with override() as overrides:
        assert "init" == Settings(email=Email(api_key=SecretStr("init"))).email.api_key.get_secret_value()
        assert [] == overrides.calls


def test_a_model_may_come_from_several_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(Reading):
        model_config = SettingsConfigDict(env_nested_delimiter="__")
        email: Email

    monkeypatch.setenv("EMAIL__HOST", "mail.example.com")
    with override({"email/api_key": "x"}):
        settings = Settings()
    assert ("mail.example.com", "x") == (settings.email.host, settings.email.api_key.get_secret_value())


def test_all_fields_are_asked_for_in_one_round() -> None:
    class Settings(Reading):
        one: SecretStr
        two: SecretStr
        email: Email

    batched = BatchResolver()
    batched.says = {each: Document(value="x") for each in ("one", "two", "email/api_key")}
    with Store([batched]) as store:
        Settings.options = {"store": store}
        assert "x" == Settings().email.api_key.get_secret_value()
    assert [["one", "two", "email/api_key"]] == batched.batches


def test_a_model_that_holds_itself_ends() -> None:
    with override({"node/key": "x"}):
        assert "x" == Recursive().node.key.get_secret_value()


class Node(BaseModel):
    key: SecretStr
    next: Node | None = None


class Recursive(Reading):
    node: Node


def test_pydantic_dataclasses_are_looked_into() -> None:
    with override({"account/key": "x"}):
        assert "x" == WithDataclass().account.key.get_secret_value()


@pydantic_dataclass
class Account:
    key: SecretStr


class WithDataclass(Reading):
    account: Account


class Smtp(BaseModel):
    kind: Literal["smtp"] = "smtp"
    password: SecretStr


class Api(BaseModel):
    kind: Literal["api"] = "api"
    key: SecretStr


class Tagged(Reading):
    mail: Smtp | Api | None = Field(None, discriminator="kind")


def test_of_a_union_of_models_the_one_with_the_given_tag_is_asked_for() -> None:
    with override({"mail/key": "x", "mail/password": "y"}) as overrides:
        mail = Tagged(mail={"kind": "api"}).mail  # type: ignore[arg-type]
        assert isinstance(mail, Api)
        assert "x" == mail.key.get_secret_value()
        assert 1 == len(overrides.calls)


def test_of_a_union_of_models_without_a_tag_nothing_is_asked_for() -> None:
    with override({"mail/key": "x"}) as overrides:
        assert Tagged().mail is None
        assert [] == overrides.calls


# What is not there, and what cannot be asked


class Optional(Reading):
    one: SecretStr = SecretStr("default")
    mail: Annotated[str | None, FromSecret("pepipost/api_key")] = None
    email: Email | None = None
    two: SecretStr = SecretStr("default")


def test_the_default_stands_for_what_is_not_there() -> None:
    with override({"two": "x"}):
        settings = Optional()
    assert ("default", None, None) == (settings.one.get_secret_value(), settings.mail, settings.email)
    assert "x" == settings.two.get_secret_value()


def test_what_is_not_there_costs_no_second_round_trip() -> None:
    memory = MemoryResolver({"two": "x"})
    with Store([memory]) as store:
        Optional.options = {"store": store}
        try:
            Optional()
        finally:
            Optional.options = {}
    assert ["email", "one", "pepipost", "two"] == sorted(memory.calls)


@pytest.mark.parametrize("name", ["one", "pepipost/api_key", "email/api_key"])
def test_a_denial_is_no_default_and_names_the_field(name: str) -> None:
    with override({"two": "x"}) as overrides:
        overrides.deny(name)
        with pytest.raises(AccessDenied) as raised:
            Optional()
    label = {"pepipost/api_key": "mail", "email/api_key": "email.api_key"}.get(name, name)
    assert [f"asked for by Optional: {label}"] == raised.value.__notes__[-1:]


def test_an_outage_is_no_default_and_names_the_field() -> None:
    with override({"two": "x"}) as overrides:
        overrides.fail("server", "pepipost/api_key")
        with pytest.raises(BackendUnavailable) as raised:
            Optional()
    assert "asked for by Optional: mail" in raised.value.__notes__


def test_a_name_that_no_store_takes_names_the_field() -> None:
    class Settings(Reading):
        schlüssel: SecretStr = SecretStr("")  # noqa: PLC2401 - that is the point

    with override(), pytest.raises(InvalidReference) as raised:
        Settings()
    assert ["asked for by Settings: schlüssel"] == raised.value.__notes__


def test_a_required_field_that_is_not_there_is_pydantics_error_and_the_log_says_where_it_was_looked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with override({"x": "y"}), pytest.raises(ValidationError, match=r"mail\n  Field required"):
        Marked()
    [record] = caplog.records
    assert ("secretsource", logging.WARNING) == (record.name, record.levelno)
    assert "the field 'mail' of Marked: 'pepipost/api_key' was not found; asked:" in record.getMessage()


def test_nothing_is_logged_for_a_field_with_a_default(caplog: pytest.LogCaptureFixture) -> None:
    with override():
        Optional()
    assert [] == caplog.records


def test_a_model_that_is_begun_needs_its_secret(caplog: pytest.LogCaptureFixture) -> None:
    with override(), pytest.raises(ValidationError, match="api_key"):
        Optional(email={"host": "h"})  # type: ignore[arg-type]
    assert "the field 'email.api_key' of Optional" in caplog.text


def test_a_timeout_holds_for_all_of_it() -> None:
    class Settings(Reading):
        options: ClassVar[dict[str, Any]] = {"timeout": 0.05}
        one: SecretStr = SecretStr("")

    with override({"one": "x"}) as overrides:
        overrides.delay = 5
        with pytest.raises(DeadlineExceeded):
            Settings()


# Types


def test_values_are_decoded_as_those_of_the_environment_are() -> None:
    class Settings(Reading):
        port: Annotated[int, FromSecret("port")]
        on: Annotated[bool, FromSecret("on")]
        hosts: Annotated[list[str], FromSecret("hosts")]
        users: Annotated[dict[str, int] | None, FromSecret("users")] = None
        either: Annotated[list[str] | str, FromSecret("either")]
        document: Annotated[Json[list[int]], FromSecret("document")]
        optional: Annotated[Json[list[int]] | None, FromSecret("document")]
        exact: Annotated[StrictStr, FromSecret("exact")]
        raw: Annotated[bytes, FromSecret("raw")]
        number: Annotated[PydanticSecret[int], FromSecret("port")]
        models: Annotated[list[Email], FromSecret("models")]

    values = {
        "port": "5432",
        "on": "yes",
        "hosts": '["a", "b"]',
        "users": '{"a": 1}',
        "either": "no JSON",
        "document": "[1]",
        "exact": "x",
        "raw": b"\xff",
        "models": '[{"api_key": "k"}]',
    }
    with override(values):
        settings = Settings()
    assert (5432, True, ["a", "b"], {"a": 1}) == (settings.port, settings.on, settings.hosts, settings.users)
    assert [1] == settings.optional
    assert ("no JSON", [1], "x", b"\xff") == (
        settings.either,
        settings.document,
        settings.exact,
        settings.raw,
    )
    assert (5432, "k") == (settings.number.get_secret_value(), settings.models[0].api_key.get_secret_value())


def test_constraints_of_a_field_hold() -> None:
    class Settings(Reading):
        key: Annotated[str, FromSecret("key")] = Field(pattern="^pp-", min_length=5)

    with override({"key": "pp-12"}):
        assert "pp-12" == Settings().key
    with override({"key": "12-pp"}), pytest.raises(ValidationError, match="string_pattern_mismatch"):
        Settings()


def test_aliases_of_types_and_root_models_are_seen_through() -> None:
    class Settings(Reading):
        key: Key
        hosts: Annotated[Hosts, FromSecret("hosts")]

    with override({"key": "x", "hosts": '["a"]'}):
        settings = Settings()
    assert ("x", ["a"]) == (settings.key.get_secret_value(), settings.hosts.root)


Key = TypeAliasType("Key", SecretStr)


class Hosts(RootModel[list[str]]):
    pass


def test_an_empty_value_is_a_value() -> None:
    with override({"pepipost/api_key": ""}):
        assert "" == Marked().mail.get_secret_value()


def test_text_is_text_and_masked() -> None:
    class Settings(Reading):
        text: Annotated[str, FromSecret("a")]
        raw: Annotated[bytes, FromSecret("a")]
        several: Annotated[list[str], FromSecret("b")]
        own: Annotated[MaskedStr, FromSecret("a")]
        bare: Annotated[MaskedBytes | None, FromSecret("a")] = None

    with override({"a": "x", "b": '["y"]'}):
        settings = Settings()
    assert (MaskedStr, MaskedBytes, MaskedStr) == (
        type(settings.text),
        type(settings.raw),
        type(settings.own),
    )
    assert (MaskedStr, MaskedBytes) == (type(settings.several[0]), type(settings.bare))
    assert ["x", "x", ["y"]] == [settings.text, settings.own, settings.several]


def test_what_another_source_gives_to_a_marked_field_is_masked_too() -> None:
    class Settings(Reading):
        text: Annotated[str, FromSecret("a")]
        secret: Annotated[SecretStr, FromSecret("a")]

    settings = Settings(text="x", secret="y")  # type: ignore[arg-type]  # as the environment gives it
    assert (MaskedStr, MaskedStr) == (type(settings.text), type(settings.secret.get_secret_value()))


def test_a_value_that_is_no_json_names_field_and_secret_and_leads_nowhere() -> None:
    class Settings(Reading):
        hosts: Annotated[list[str], FromSecret("a/hosts")]

    canary = token_hex(8)
    with override({"a/hosts": f"[{canary}"}), pytest.raises(SettingsError) as raised:
        Settings()
    assert "the field 'hosts' of Settings: the value of 'a/hosts' is no JSON" == str(raised.value)
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    assert canary not in frames_of(raised.value)


# Handles


class WithHandle(Reading):
    key: Annotated[SecretHandle, FromSecret("pepipost/api_key")]
    other: Annotated[SecretHandle | None, FromSecret("other")] = None


def test_a_handle_reads_the_value_of_now() -> None:
    with override({"pepipost/api_key": "old"}) as overrides:
        settings = WithHandle()
        overrides({"pepipost/api_key": "new"})
        assert "new" == settings.key()
        assert settings.other is None


def test_a_handle_reads_from_the_store_of_the_source() -> None:
    clock = FakeClock()
    memory = MemoryResolver({"pepipost/api_key": "old"})
    with Store([memory], ttl=10, clock=clock) as store:

        class Settings(WithHandle):
            options: ClassVar[dict[str, Any]] = {"store": store}

        settings = Settings()
        memory.put("pepipost/api_key", "new")
        assert "old" == settings.key()
        clock.advance(11)
        assert "new" == settings.key()
        assert "secret('pepipost/api_key')" == repr(settings.key)


def test_a_handle_of_a_store_is_none_of_the_same_name_elsewhere() -> None:
    handles = []
    for value in ("one", "two"):

        class Settings(WithHandle):
            options: ClassVar[dict[str, Any]] = {
                "store": Store([MemoryResolver({"pepipost/api_key": value})])
            }

        handles += [Settings().key, Settings().key]
    assert handles[0] == handles[1]
    with override({"pepipost/api_key": "of now"}):
        assert ["of now", "one", "two"] == sorted(each() for each in {*handles, secret("pepipost/api_key")})


def test_a_handle_whose_secret_is_not_there_is_told_at_once() -> None:
    with override(), pytest.raises(ValidationError, match=r"key\n  Field required"):
        WithHandle()


def test_text_is_no_handle() -> None:
    canary = token_hex(8)
    with override(), pytest.raises(ValidationError, match="SecretHandle") as raised:
        WithHandle(key=canary)  # type: ignore[arg-type]
    assert canary not in str(raised.value)


# Aliases


def test_a_field_with_an_alias_keeps_its_name_and_is_handed_over_under_the_alias() -> None:
    class Settings(Reading):
        model_config = SettingsConfigDict(extra="forbid")
        one: SecretStr = Field(alias="ONE_KEY")
        two: Annotated[str, FromSecret("a/b"), Field(validation_alias=AliasChoices(AliasPath("x", 0), "TWO"))]

    with override({"one": "x", "a/b": "y"}):
        settings = Settings()
    assert ["x", "y"] == [settings.one.get_secret_value(), settings.two]


def test_a_field_that_is_given_under_an_alias_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(Reading):
        model_config = SettingsConfigDict(populate_by_name=True)
        one: SecretStr = Field(validation_alias=AliasChoices("FIRST", "SECOND"))
        two: SecretStr = Field(alias="TWO_KEY")

    monkeypatch.setenv("SECOND", "env")
    with override() as overrides:
        settings = Settings(two="init")  # type: ignore[call-arg]
        assert [] == overrides.calls
    assert ["env", "init"] == [settings.one.get_secret_value(), settings.two.get_secret_value()]


@pytest.mark.parametrize("key", ["MAIL", "POST"])
def test_a_model_is_completed_under_the_key_that_it_was_begun_under(key: str) -> None:
    class Settings(Reading):
        mail: Email = Field(validation_alias=AliasChoices("MAIL", "POST", AliasPath("x", "y")))

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, **_: Any) -> Sources:  # type: ignore[override]
            return (Given(settings_cls), SecretSource(settings_cls))

    class Given(PydanticBaseSettingsSource):
        def __call__(self) -> dict[str, Any]:
            return {key: {"host": "h"}}

        def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
            raise NotImplementedError

    with override({"mail/api_key": "x"}):
        settings = Settings()  # type: ignore[call-arg]
    assert ("h", "x") == (settings.mail.host, settings.mail.api_key.get_secret_value())


def test_what_is_given_somewhere_inside_is_not_asked_for() -> None:
    class Settings(Reading):
        key: SecretStr = Field(validation_alias=AliasChoices("KEY", AliasPath("x", 0)))

    with override() as overrides:
        assert "init" == Settings(x=["init"]).key.get_secret_value()  # type: ignore[call-arg]
        assert [] == overrides.calls


def test_a_field_that_only_a_path_leads_to_is_refused() -> None:
    class Settings(Reading):
        one: SecretStr = Field(validation_alias=AliasPath("x", 0))

    with override({"one": "x"}), pytest.raises(SettingsError, match="'one' has only an AliasPath"):
        Settings()


def test_a_model_that_only_a_path_leads_to_is_refused() -> None:
    class Settings(Reading):
        email: Email = Field(validation_alias=AliasPath("x", 0))

    with override({"email/api_key": "x"}), pytest.raises(SettingsError, match=r"'email\.api_key' has only"):
        Settings()


def test_a_field_that_may_be_given_by_name_needs_no_alias() -> None:
    class Inner(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        key: SecretStr = Field(alias="KEY")
        path: SecretStr = Field(validation_alias=AliasPath("x", 0))

    class Settings(Reading):
        inner: Inner

    with override({"inner/key": "x", "inner/path": "y"}) as overrides:
        settings = Settings()
        assert ["x", "y"] == [settings.inner.key.get_secret_value(), settings.inner.path.get_secret_value()]
        calls = len(overrides.calls)
        Settings(inner={"key": "init", "path": "init"})  # type: ignore[arg-type]
        assert calls == len(overrides.calls)


@pytest.mark.skipif(
    tuple(map(int, VERSION.split(".")[:2])) < (2, 11), reason="pydantic has no validate_by_alias"
)
def test_an_alias_that_pydantic_ignores_is_ignored() -> None:
    class Settings(Reading):
        model_config = SettingsConfigDict(validate_by_alias=False, validate_by_name=True)
        key: SecretStr = Field(alias="KEY")

    with override({"key": "x"}):
        assert "x" == Settings().key.get_secret_value()


# Time and place


def test_the_settings_are_read_anew_in_place() -> None:
    with override({"pepipost/api_key": "old"}) as overrides:
        settings = Marked()
        overrides({"pepipost/api_key": "new"})
        assert "old" == settings.mail.get_secret_value()
        settings.__init__()  # type: ignore[misc]
        assert "new" == settings.mail.get_secret_value()


def test_the_store_is_the_one_of_the_moment() -> None:
    for value in ("x", "y"):
        with override({"pepipost/api_key": value}):
            assert value == Marked().mail.get_secret_value()


def test_a_source_shows_its_class_and_asks_nothing_when_it_is_made() -> None:
    with override() as overrides:
        source = SecretSource(Marked, prefix="shop/")
        assert "SecretSource(Marked, prefix='shop/')" == repr(source)
        assert (None, "mail", False) == source.get_field_value(Marked.model_fields["mail"], "mail")
        assert [] == overrides.calls


# Leaks


def refuse(value: Any) -> Any:
    raise ValueError(f"{value} is not what was expected")


class Leaky(Reading):
    """Every field is refused for what it holds."""

    secret: SecretStr = Field(min_length=100)
    raw: SecretBytes = Field(min_length=100)
    marked: Annotated[SecretStr, Field(min_length=100), FromSecret("a/marked")]
    text: Annotated[str, Field(pattern="^x+$"), FromSecret("a/text")]
    number: Annotated[int, FromSecret("a/number")]
    numbers: Annotated[list[int], FromSecret("a/numbers")]
    told: Annotated[str, AfterValidator(refuse), FromSecret("a/told")]
    before: Annotated[str, FromSecret("a/before")]
    model: Annotated[Email, FromSecret("a/model")]
    typed: Annotated[PydanticSecret[int], FromSecret("a/typed")]

    @field_validator("before", mode="before")
    @classmethod
    def fail(cls, value: object) -> object:
        return refuse(repr(value))


LEAKY = ["secret", "raw", *(f"a/{each}" for each in ("marked", "text", "number", "told", "before", "typed"))]


def leaky_values() -> tuple[dict[str, Any], list[str]]:
    canaries = {name: token_hex(8) for name in LEAKY}
    other, key, host = token_hex(8), token_hex(8), token_hex(8)
    values = canaries | {
        "a/numbers": json.dumps([other, {"x": other}]),
        "a/model": {"api_key": key, "host": host, "port": "x"},
    }
    return values, [*canaries.values(), other, key, host]


def test_no_error_of_pydantic_shows_a_value() -> None:
    values, canaries = leaky_values()
    with override(values), pytest.raises(ValidationError) as raised:
        Leaky()
    error = raised.value
    shown = "\n".join(
        [str(error), repr(error), repr(error.errors()), error.json(), json.dumps(error.errors(), default=str)]
    )
    assert [] == [each for each in canaries if each in shown]
    assert {"secret", "raw", "marked", "text", "number", "numbers", "told", "before", "typed"} == {
        each["loc"][0] for each in error.errors()
    }
    assert (None, None) == (error.__cause__, error.__context__)


def frames_of(error: BaseException) -> str:
    """Return the local variables of all frames but those of this file, as tools that show tracebacks do."""
    walked = traceback.walk_tb(error.__traceback__)
    return "\n".join(repr(frame.f_locals) for frame, _ in walked if frame.f_code.co_filename != __file__)


def test_no_frame_of_a_traceback_shows_a_value() -> None:
    values, canaries = leaky_values()
    with override(values), pytest.raises(ValidationError) as raised:
        Leaky()
    whole = frames_of(raised.value)
    assert "only elsewhere" not in repr(Model(Leaky, {"x": "only elsewhere"}, ""))
    assert "MaskedStr" in whole or "**********" in whole
    assert [] == [each for each in canaries if each in whole]


def test_a_refused_field_of_a_nested_model_is_named_with_its_place() -> None:
    class Settings(Reading):
        email: Annotated[Email, FromSecret("email")]
        hosts: Annotated[list[int], FromSecret("hosts")]

    canary = token_hex(8)
    with (
        override({"email": {"host": "h"}, "hosts": f'[1, "{canary}"]'}),
        pytest.raises(ValidationError) as raised,
    ):
        Settings()
    assert [("email", "api_key"), ("hosts", 1)] == [each["loc"] for each in raised.value.errors()]
    assert ["missing", "int_parsing"] == [each["type"] for each in raised.value.errors()]
    assert ["**********"] * 2 == [each["input"] for each in raised.value.errors()]


def test_the_words_of_a_validator_are_shown_where_they_hold_no_value() -> None:
    def explain(value: str) -> str:
        raise ValueError("a key begins with {pp}-")

    class Settings(Reading):
        key: Annotated[str, AfterValidator(explain), FromSecret("key")]

    with override({"key": token_hex(8)}), pytest.raises(ValidationError, match=r"a key begins with \{pp\}-"):
        Settings()


def test_an_empty_value_does_not_hide_the_message() -> None:
    class Settings(Reading):
        number: Annotated[int, FromSecret("a/number")]

    with override({"a/number": ""}), pytest.raises(ValidationError, match="should be a valid integer"):
        Settings()


def test_what_a_validator_raises_otherwise_shows_no_value_in_our_frames() -> None:
    def fail(value: list[int]) -> list[int]:
        raise RuntimeError("anything")

    class Settings(Reading):
        hosts: Annotated[list[str], BeforeValidator(fail), FromSecret("a/hosts")]

    canary = token_hex(8)
    with override({"a/hosts": f'["{canary}"]'}), pytest.raises(RuntimeError) as raised:
        Settings()
    assert "'plain': [MaskedStr('********')]" in frames_of(raised.value)
    assert canary not in frames_of(raised.value)


def test_a_validator_that_comes_first_gets_the_value_wrapped() -> None:
    class Settings(Reading):
        key: Annotated[str, FromSecret("key")]
        other: SecretStr

        @field_validator("key", "other", mode="before")
        @classmethod
        def strip(cls, value: Any) -> str:
            assert "x" not in f"{value} {value!r}"
            text: str = value.get_secret_value()
            return text.strip()

    with override({"key": " x ", "other": " x "}):
        settings = Settings()
    assert ("x", "x") == (settings.key, settings.other.get_secret_value())


def test_settings_show_no_value() -> None:
    class Settings(Reading):
        secret: SecretStr
        text: Annotated[str, FromSecret("text")]
        raw: Annotated[bytes, FromSecret("text")]
        own: Annotated[MaskedStr | None, FromSecret("text")]
        several: Annotated[list[str], FromSecret("several")]
        several_by_name: Annotated[dict[str, str], FromSecret("by_name")]
        handle: Annotated[SecretHandle, FromSecret("text")]

    canary = token_hex(8)
    by_name = json.dumps({"k": canary})
    with override({"secret": canary, "text": canary, "several": f'["{canary}"]', "by_name": by_name}):
        settings = Settings()
    dumped = settings.model_dump_json()
    assert canary not in dumped + repr(settings) + repr(settings.model_dump()) + str(settings)
    assert canary not in json.dumps(settings.model_dump(mode="json"))
    assert ["**********"] * 3 == [json.loads(dumped)[each] for each in ("secret", "text", "handle")]
    assert "text" in Settings.model_json_schema()["properties"]


def test_a_field_of_a_marked_model_is_shown_as_its_own_type_and_mark_say() -> None:
    class Database(BaseModel):
        plain: str
        typed: SecretStr
        marked: Annotated[str, FromSecret()]

    class Settings(Reading):
        db: Annotated[Database, FromSecret("db/primary")]

    values = {field: token_hex(8) for field in ("plain", "typed", "marked")}
    with override({"db/primary": values}):
        settings = Settings()
    assert values["marked"] == settings.db.marked
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert [values["plain"]] == [value for value in values.values() if value in shown]


def test_settings_with_secrets_are_copied_and_not_pickled() -> None:
    with override({"pepipost/api_key": "x"}):
        settings = Marked()
    assert "x" == deepcopy(settings).mail.get_secret_value()
    with pytest.raises(TypeError, match="reveal"):
        pickle.dumps(settings)


def test_the_debug_log_of_pydantic_settings_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Settings(Reading):
        text: Annotated[str, FromSecret("text")]
        several: Annotated[list[str], FromSecret("several")]

    canary = token_hex(8)
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    with override({"text": canary, "several": f'["{canary}"]'}):
        Settings()
    assert canary not in caplog.text
