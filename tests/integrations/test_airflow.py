"""Airflow's connections, variables and configuration come from a store."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import tempfile
import traceback
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    SecretSourceError,
    Store,
    default_store,
    get_secret,
)
from secretsource.testing import MemoryResolver, Overrides, override
from tests.docs.blocks import ROOT, blocks_of
from tests.integrations.airflow_process import BACKEND, said_by

if find_spec("airflow") is None:
    pytest.skip("Airflow has an environment of its own: make airflow", allow_module_level=True)

_home = tempfile.TemporaryDirectory(prefix="airflow-")
atexit.register(_home.cleanup)
os.environ.update(AIRFLOW_HOME=_home.name, AIRFLOW__CORE__LOAD_EXAMPLES="False")

from airflow.models import Connection  # noqa: E402 - after its home is set

from secretsource.integrations.airflow import InvalidConnection, SecretSourceBackend  # noqa: E402

try:
    from airflow.sdk._shared.secrets_masker import redact
except ImportError:
    from airflow.utils.log.secrets_masker import redact
try:
    from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied as Stop
except ImportError:
    Stop = None

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS = Stop is not None


class Uri:
    """A connection with a password of its own, which no repr shows."""

    def __init__(self, template: str = "postgres://ann:{}@db.example.com:5432/shop?sslmode=require") -> None:
        self.password = secrets.token_hex(8)
        self.text = template.format(self.password)


@pytest.fixture
def overrides() -> Iterator[Overrides]:
    with override() as given:
        yield given


@pytest.fixture
def backend(overrides: Overrides) -> SecretSourceBackend:
    return connected(SecretSourceBackend())


def connected(backend: SecretSourceBackend) -> SecretSourceBackend:
    """Do what Airflow does with each backend since 3.2."""
    if hasattr(backend, "_set_connection_class"):
        backend._set_connection_class(Connection)
    return backend


def parts(connection: Any) -> tuple[object, ...]:
    return (
        connection.conn_type,
        connection.host,
        connection.login,
        connection.password,
        connection.port,
        connection.schema,
    )


# Connections


def test_a_connection_is_a_uri(overrides: Overrides, backend: SecretSourceBackend) -> None:
    uri = Uri()
    overrides.put("airflow/connections/db", uri.text)

    connection = backend.get_connection("db")

    assert ("postgres", "db.example.com", "ann", uri.password, 5432, "shop") == parts(connection)
    assert {"sslmode": "require"} == connection.extra_dejson
    assert "db" == connection.conn_id


def test_a_connection_is_a_json_object(overrides: Overrides, backend: SecretSourceBackend) -> None:
    uri = Uri()
    whole = {
        "conn_type": "postgres",
        "login": "ann",
        "password": uri.password,
        "port": 5432,
        "extra": {"a": 1},
    }
    overrides.put("airflow/connections/db", json.dumps(whole))

    connection = backend.get_connection("db")

    assert ("postgres", None, "ann", uri.password, 5432, None) == parts(connection)
    assert {"a": 1} == connection.extra_dejson


def test_a_connection_is_a_document_with_its_parts_as_fields(
    overrides: Overrides, backend: SecretSourceBackend
) -> None:
    uri = Uri()
    fields = {"conn_type": "postgres", "host": "h", "login": "ann", "password": uri.password, "port": "5432"}
    overrides.put("airflow/connections/db", fields | {"extra": '{"a": 1}', "schema": "shop"})

    connection = backend.get_connection("db")

    assert ("postgres", "h", "ann", uri.password, 5432, "shop") == parts(connection)
    assert {"a": 1} == connection.extra_dejson


def test_the_fields_that_aws_gives_a_database_are_known(
    overrides: Overrides, backend: SecretSourceBackend
) -> None:
    uri = Uri()
    fields = {"engine": "postgres", "host": "h", "username": "ann", "password": uri.password, "port": "5432"}
    overrides.put("airflow/connections/db", fields | {"dbname": "shop", "dbInstanceIdentifier": "db-1"})

    assert ("postgres", "h", "ann", uri.password, 5432, "shop") == parts(backend.get_connection("db"))


def test_airflows_own_word_for_a_part_comes_before_others(
    overrides: Overrides, backend: SecretSourceBackend
) -> None:
    fields = {"user": "u", "username": "n", "login": "l", "engine": "mysql", "conn_type": "postgres"}
    overrides.put("airflow/connections/db", fields | {"database": "d", "schema": "s"})

    assert ("postgres", None, "l", None, None, "s") == parts(backend.get_connection("db"))


@pytest.mark.parametrize("field", ["conn_uri", "uri"])
def test_a_document_may_hold_the_uri_in_one_field(
    overrides: Overrides, backend: SecretSourceBackend, field: str
) -> None:
    uri = Uri()
    overrides.put("airflow/connections/db", {field: uri.text})

    assert uri.password == backend.get_connection("db").password


def test_airflow_gets_plain_text_which_it_may_send_to_other_processes(
    overrides: Overrides, backend: SecretSourceBackend
) -> None:
    overrides({"airflow/connections/db": Uri().text, "airflow/variables/a": "x", "airflow/config/a": "x"})

    values = [backend.get_conn_value("db"), backend.get_variable("a"), backend.get_config("a")]

    assert [str, str, str] == [type(value) for value in values]


# Variables and the configuration


def test_variables_and_options_have_prefixes_of_their_own(
    overrides: Overrides, backend: SecretSourceBackend
) -> None:
    overrides({"airflow/variables/key": "of a variable", "airflow/config/key": "of an option"})

    assert "of a variable" == backend.get_variable("key")
    assert "of an option" == backend.get_config("key")


@pytest.mark.parametrize("masks", [True, False])
def test_a_variable_is_masked_in_logs_whatever_it_is_called(overrides: Overrides, masks: bool) -> None:
    value = secrets.token_hex(8)
    overrides.put("airflow/variables/region", value)

    SecretSourceBackend(mask_variables=masks).get_variable("region")

    assert ("***" if masks else value) == redact(value)


def test_an_empty_variable_is_there(overrides: Overrides, backend: SecretSourceBackend) -> None:
    overrides.put("airflow/variables/key", "")

    assert "" == backend.get_variable("key")


# Where it looks


def test_what_is_not_there_is_left_to_the_next_backend(backend: SecretSourceBackend) -> None:
    assert None is backend.get_conn_value("db")
    assert None is backend.get_connection("db")
    assert None is backend.get_variable("key")
    assert None is backend.get_config("key")


def test_a_prefix_that_is_null_asks_no_store() -> None:
    memory = MemoryResolver({"airflow/connections/db": Uri().text})
    backend = SecretSourceBackend(
        connections_prefix=None, variables_prefix=None, config_prefix=None, store=Store([memory])
    )

    assert [None, None, None] == [
        backend.get_connection("db"),
        backend.get_variable("a"),
        backend.get_config("a"),
    ]
    assert [] == memory.calls


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("team/db", "team/db/main"),
        ("team/db/", "team/db/main"),
        ("", "main"),
        ("aws://airflow/connections", "aws://airflow/connections/main"),
        ("vault://kv/", "vault://kv/main"),
        ("file:///run/secrets", "file:///run/secrets/main"),
        ("conjur://", "conjur://main"),
    ],
)
def test_a_prefix_is_a_name_or_a_reference(overrides: Overrides, prefix: str, name: str) -> None:
    uri = Uri()
    overrides.put(name, uri.text)

    assert uri.text == SecretSourceBackend(connections_prefix=prefix).get_conn_value("main")


@pytest.mark.parametrize(
    "prefix", ["a//b", "a b", "../x", "aws://a#b", "aws://a?version=1", "a/./b", "/a", "/", 1]
)
def test_a_prefix_that_is_none_is_told_when_airflow_starts(prefix: str) -> None:
    with pytest.raises(ConfigError, match="variables_prefix must be a name"):
        SecretSourceBackend(variables_prefix=prefix)


@pytest.mark.parametrize(
    "key", ["a b", "a?version=1", "a#b", "../config/key", "a//b", "/a", "a/", "", "a/../b", "é", "a\n"]
)
@pytest.mark.parametrize("prefix", ["airflow/variables", "aws://airflow/variables"])
def test_an_id_that_is_no_name_is_not_looked_up(key: str, prefix: str) -> None:
    memory = MemoryResolver(name="aws")
    backend = SecretSourceBackend(variables_prefix=prefix, connections_prefix=prefix, store=Store([memory]))

    assert None is backend.get_variable(key)
    assert None is backend.get_connection(key)
    assert [] == memory.calls


def test_a_team_has_its_own_before_what_all_share(overrides: Overrides, backend: SecretSourceBackend) -> None:
    overrides({"airflow/variables/key": "shared", "airflow/variables/blue/key": "of blue"})

    assert "of blue" == backend.get_variable("key", team_name="blue")
    assert "shared" == backend.get_variable("key", team_name="red")
    assert "shared" == backend.get_variable("key")
    assert None is backend.get_variable("key", team_name="../x")


def test_no_team_names_what_another_one_has(
    overrides: Overrides, backend: SecretSourceBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides({"airflow/variables/blue/key": "of blue", "airflow/connections/blue/db": Uri().text})
    assert "of blue" == backend.get_variable("blue/key")

    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")

    assert None is backend.get_variable("blue/key")
    assert None is backend.get_variable("blue/key", team_name="red")
    assert None is backend.get_connection("blue/db")


# What cannot be read


def fault(overrides: Overrides, kind: str) -> type[SecretSourceError]:
    if kind == "denied":
        overrides.deny("airflow/connections/db")
        overrides.deny("airflow/variables/db")
        return AccessDenied
    overrides.fail("server")
    return BackendUnavailable


@pytest.mark.parametrize("kind", ["denied", "server"])
@pytest.mark.parametrize("method", ["get_conn_value", "get_connection", "get_variable"])
def test_a_denial_and_an_outage_are_not_taken_for_not_there(
    overrides: Overrides, backend: SecretSourceBackend, kind: str, method: str
) -> None:
    expected = fault(overrides, kind)

    with pytest.raises(Stop or expected, match=r"airflow/(connections|variables)/db") as caught:
        getattr(backend, method)("db")

    assert (expected.__name__ in str(caught.value)) is STOPS
    assert None is caught.value.__context__


@pytest.mark.parametrize("kind", ["denied", "server"])
def test_on_error_next_raises_what_airflow_passes_over_and_says_so(
    overrides: Overrides, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = fault(overrides, kind)

    with pytest.raises(expected):
        SecretSourceBackend(on_error="next").get_variable("db")

    [record] = [each for each in caplog.records if each.name == "secretsource"]
    assert "WARNING" == record.levelname
    assert f"the variable 'db' could not be read, and Airflow asks its next backend: {expected.__name__}" in (
        record.getMessage()
    )


BROKEN = {
    "no URI": "{}",
    "cut JSON": '{{"conn_type": "postgres", "password": "{}"',
    "JSON without a type": '{{"password": "{}"}}',
    "a port that is none": '{{"conn_type": "postgres", "port": "{}x"}}',
    "a part of the password as port": "postgres://ann:pa{}#x@db/shop",
    "too many schemes": "postgres://a://b://{}",
    "an unquoted password": "postgres://ann:x/{}@db:port/shop",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_connection_is_told_without_what_it_is(
    overrides: Overrides, backend: SecretSourceBackend, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    uri = Uri(BROKEN[kind])
    overrides.put("airflow/connections/db", uri.text)

    with pytest.raises(Stop or InvalidConnection, match=r"'(airflow/connections/)?db'") as caught:
        backend.get_connection("db")

    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if "secretsource" in frame.filename]
    assert ours, "the locals of our frames are looked at"
    shown = "".join(frames.format()) + caplog.text
    assert uri.password[:14] not in shown


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"password": "x"}, "has no conn_type"),
        ({"conn_type": "postgres", "port": "x"}, "has a port that is no whole number"),
        ({"uri": "x"}, "is neither a URI"),
    ],
)
def test_fields_that_make_no_connection_are_told(
    overrides: Overrides, backend: SecretSourceBackend, fields: dict[str, str], complaint: str
) -> None:
    overrides.put("airflow/connections/db", fields)

    with pytest.raises(Stop or InvalidConnection, match=f"'airflow/connections/db' {complaint}"):
        backend.get_connection("db")


# Settings


def test_settings_build_the_process_wide_store_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VARIABLES_KEY", "from env")
    settings: dict[str, Any] = {"chain": ["env"], "ttl": 30}

    assert "from env" == SecretSourceBackend(**settings).get_variable("key")
    store = default_store()
    assert "from env" == SecretSourceBackend(**settings).get_variable("key")

    assert store is default_store()
    assert 30 == store.ttl
    assert "from env" == get_secret("airflow/variables/key")


def test_nothing_is_built_before_the_first_lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secretsource.toml").write_text("no configuration", encoding="utf-8")

    assert "SecretSourceBackend" in repr(SecretSourceBackend())


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"chian": ["env"]}, "chian"),
        ({"on_error": "ignore"}, "on_error must be one of stop, next"),
        ({"store": Store([MemoryResolver()]), "ttl": 5}, "a store or settings, not both: ttl"),
    ],
)
def test_a_wrong_setting_is_told_when_airflow_starts(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        SecretSourceBackend(**settings)


def test_a_credential_in_the_settings_is_not_shown() -> None:
    token = secrets.token_hex(8)
    backend = SecretSourceBackend(
        resolvers={"vault": {"address": "https://v", "auth": {"method": "token", "token": token}}},
        chain=["vault"],
    )

    assert token not in repr(backend)


# Airflow itself

LOOKUPS = """
said["connection"] = told(lambda: BaseHook.get_connection("db").host)
said["variable"] = told(Variable.get, "region")
said["option"] = told(conf.get, "database", "sql_alchemy_conn")
said["redacted"] = redact(f"{Variable.get('region')} {BaseHook.get_connection('db').password}")
said["elsewhere"] = told(Variable.get, "other")
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    environ = {
        "AIRFLOW_CONNECTIONS_DB": Uri().text,
        "AIRFLOW_VARIABLES_REGION": secrets.token_hex(8),
        "AIRFLOW_CONFIG_SQL_ALCHEMY_CONN": "sqlite:////tmp/not-opened.db",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET": "sql_alchemy_conn",
        "AIRFLOW_VAR_OTHER": "of Airflow's next backend",
        "AIRFLOW_VAR_REGION": "shadowed",
    }
    said, logged = said_by(LOOKUPS, tmp_path_factory.mktemp("airflow"), environ, chain=["env"])
    assert environ["AIRFLOW_VARIABLES_REGION"] == said.pop("variable")
    return said, logged


def test_airflow_looks_here_first(started: tuple[dict[str, Any], str]) -> None:
    said, _ = started

    assert "db.example.com" == said["connection"]
    assert "sqlite:////tmp/not-opened.db" == said["option"]
    assert "of Airflow's next backend" == said["elsewhere"]


def test_airflow_masks_passwords_and_variables(started: tuple[dict[str, Any], str]) -> None:
    said, _ = started

    assert "*** ***" == said["redacted"]


AUTH = {"method": "api_key", "login": "ann", "api_key": "env://BROKEN_KEY"}
FAULTS = """
said["connection"] = told(lambda: BaseHook.get_connection("db").host)
said["variable"] = told(Variable.get, "key")
said["broken"] = told(lambda: BaseHook.get_connection("broken").host)
"""


@pytest.mark.parametrize("on_error", ["stop", "next"])
def test_airflow_asks_its_next_backend_only_where_it_may(tmp_path: Path, on_error: str) -> None:
    secret = secrets.token_hex(8)
    environ = {
        "AIRFLOW_CONN_DB": "postgres://old.example.com",
        "AIRFLOW_CONN_BROKEN": "postgres://old.example.com",
        "AIRFLOW_VAR_KEY": "an old value",
        "AIRFLOW_CONNECTIONS_BROKEN": f"postgres://ann:pa{secret}#x@db/shop",
    }
    conjur = {
        "url": "http://127.0.0.1:9",
        "account": "a",
        "auth": AUTH,
    }

    said, logged = said_by(
        FAULTS,
        tmp_path,
        environ | {"BROKEN_KEY": secret},
        chain=["env", "conjur"],
        resolvers={"conjur": conjur},
        on_error=on_error,
        timeout=1,
    )

    if STOPS and on_error == "stop":
        for what in said.values():
            assert "AirflowSecretsBackendAccessDenied" == what[0]
        assert "'airflow/variables/key'" in said["variable"][1]
        assert "InvalidConnection" in said["broken"][1]
    else:
        expected = {"connection": "old.example.com", "variable": "an old value", "broken": "old.example.com"}
        assert expected == said
        level = "ERROR" if on_error == "stop" else "WARNING"
        assert "the connection 'db' could not be read, and Airflow asks its next backend" in logged
        assert level in logged.upper()
    assert secret not in logged
    assert secret not in json.dumps(said)


# The page

PAGE = ROOT / "docs" / "how-to" / "airflow.md"


def blocks(title: str) -> list[str]:
    return [block.code for block in blocks_of(PAGE) if block.title == title]


def test_the_configurations_of_the_page_name_this_backend_and_its_settings() -> None:
    for text in blocks("airflow.cfg"):
        parser = ConfigParser()
        parser.read_string(text)
        section = parser["secrets"]

        assert (
            f"{SecretSourceBackend.__module__}.{SecretSourceBackend.__qualname__}"
            == BACKEND
            == section["backend"]
        )
        assert repr(SecretSourceBackend(**json.loads(section["backend_kwargs"])))


@pytest.mark.skipif(
    not STOPS, reason="the page shows a DAG of Airflow 3, and lookups that stop, as since 3.2.2"
)
def test_the_dag_of_the_page_finds_its_connection_and_variable(tmp_path: Path) -> None:
    [text] = blocks("dags/shop.py")
    (tmp_path / "shop.py").write_text(text, encoding="utf-8")
    environ = {"AIRFLOW_CONNECTIONS_SHOP_DB": Uri().text, "AIRFLOW_VARIABLES_SHOP_REGION": "eu"}
    code = "import shop\nsaid['found'] = shop.shop().get_task('count_orders').python_callable()\n"

    said, _ = said_by(code, tmp_path, environ, chain=["env"])

    assert {"found": "postgres as ann in eu"} == said


def test_the_test_of_the_page_passes() -> None:
    [text] = blocks("test_shop.py")
    namespace: dict[str, Any] = {}
    exec(text, namespace)

    namespace["test_the_password_is_found"]()
