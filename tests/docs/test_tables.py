"""The tables of the reference say what the code says."""

from __future__ import annotations

import inspect
import json
import typing
from importlib import import_module
from pathlib import Path

import pytest
import trustme

import secretsource
from secretsource import Config, ConfigError, Link, Reason, SecretConfig, errors
from secretsource._registry import BUILT_IN, LINK_KEYS
from secretsource.cli import _exit
from secretsource.errors import SecretSourceError, resolver_error
from secretsource.testing import Overrides
from tests.docs.blocks import ROOT, blocks_of
from tests.docs.tables import code_in, table_under

REFERENCE = "reference/configuration.md"
PROSE = (None, "", inspect.Parameter.empty)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let resolvers be built that no test asks."""
    certificate = tmp_path / "client.pem"
    trustme.CA().issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    monkeypatch.setenv("VAULT_ADDR", "https://127.0.0.1:1")
    monkeypatch.setenv("VAULT_CLIENT_CERT", str(certificate))
    monkeypatch.setenv("CONJUR_APPLIANCE_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("CONJUR_ACCOUNT", "myorg")
    monkeypatch.setenv("CONJUR_AUTHN_LOGIN", "host/x")
    monkeypatch.setenv("CONJUR_AUTHN_API_KEY", "x")
    monkeypatch.setenv("CONJUR_AUTHN_CERT_FILE", str(certificate))


def of_kind(kind: str) -> type:
    module, _, name = BUILT_IN[kind].partition(":")
    found: type = getattr(import_module(module), name)
    return found


def keywords(kind: str) -> dict[str, inspect.Parameter]:
    return dict(list(inspect.signature(of_kind(kind)).parameters.items())[1:])


def says_default(cell: str, default: object) -> bool:
    """Whether a table's cell gives *default*; what is not fixed is told in words."""
    code = code_in(cell)
    if default in PROSE and cell != '`""`':
        return code != [cell.strip("`")]
    return code == [json.dumps(default)]


def type_in(hint: object) -> str:
    """Return what the tables call a type."""
    parts = [part for part in typing.get_args(hint) if part is not type(None)] or [hint]
    words = {str: "text", bool: "true or false", int: "a whole number"}
    return words.get(parts[0], "") if len(parts) == 1 and isinstance(parts[0], type) else ""


def test_every_key_of_the_store_is_described() -> None:
    described = {code_in(row["key"])[0] for row in table_under(REFERENCE, "## Keys of the store", "key")}

    assert set(inspect.signature(Config).parameters) - {"source"} == described


def test_the_defaults_of_the_store_are_right() -> None:
    rows = {code_in(row["key"])[0]: row for row in table_under(REFERENCE, "## Keys of the store", "key")}

    for name, row in rows.items():
        default = getattr(Config(), name)
        if row["default"] in {"none", "empty"}:
            assert not default
        else:
            written = json.loads(code_in(row["default"])[0])
            assert written == (list(default) if isinstance(default, tuple) else default), name


@pytest.mark.parametrize(
    "key", ["ttl", "max_stale", "negative_ttl", "timeout", "max_entries", "max_concurrency"]
)
def test_a_number_is_taken_from_its_variable(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {code_in(row["key"])[0]: row for row in table_under(REFERENCE, "## Keys of the store", "key")}
    monkeypatch.setenv(code_in(rows[key]["variable"])[0], "77")

    assert 77 == getattr(Config.load(), key)


def test_the_other_variables_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_CHAIN", "env, files")
    monkeypatch.setenv("SECRETSOURCE_REFERENCES", "config")

    loaded = Config.load()

    assert (["env", "files"], "config") == (list(loaded.chain), loaded.references)


def test_every_key_of_a_link_is_described() -> None:
    rows = {code_in(row["key"])[0]: row for row in table_under(REFERENCE, "## Keys of every link", "key")}
    takes = inspect.signature(Link).parameters

    assert {"kind", *LINK_KEYS} == set(rows)
    for key in ("on_denied", "on_unavailable"):
        assert [json.dumps(takes[key].default)] == code_in(rows[key]["default"])


def test_every_key_of_a_name_is_described() -> None:
    rows = table_under(REFERENCE, "## Keys of one name", "key")
    own = {code_in(row["key"])[0]: row for row in rows if row["key"].startswith("`")}

    assert set(inspect.signature(SecretConfig).parameters) - {"references"} == set(own)
    assert len(own) + 1 == len(rows)
    assert json.dumps(SecretConfig().required) == code_in(own["required"]["default"])[0]


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
@pytest.mark.parametrize("place", ["reference", "how-to"])
def test_every_setting_of_a_resolver_is_described(kind: str, place: str) -> None:
    page, heading = (
        (REFERENCE, f"### {kind}") if place == "reference" else (f"how-to/{kind}.md", "## Settings")
    )
    rows = {code_in(row["key"])[0]: row for row in table_under(page, heading, "key")}

    assert set(keywords(kind)) == set(rows)
    for key, parameter in keywords(kind).items():
        assert says_default(rows[key]["default"], parameter.default), (
            key,
            rows[key]["default"],
            parameter.default,
        )


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_the_types_of_the_settings_are_right(kind: str) -> None:
    hints = typing.get_type_hints(vars(of_kind(kind))["__init__"])
    for row in table_under(REFERENCE, f"### {kind}", "key"):
        expected = type_in(hints[code_in(row["key"])[0]])
        assert expected in {"", row["type"], f"a {row['type']}"}, row


@pytest.mark.parametrize("kind", ["vault", "conjur"])
def test_every_method_of_login_is_described(kind: str, elsewhere: None) -> None:
    rows = table_under(REFERENCE, f"`auth` of `{kind}`:", "method")
    described = {(code_in(row["method"])[0], code_in(row["key"])[0]) for row in rows}
    methods = known_to(kind, {"method": "????"})

    assert described == {
        (method, key) for method in methods for key in known_to(kind, {"method": method, "????": "x"})
    }
    for method in methods:
        required = {
            code_in(row["key"])[0]: "x"
            for row in rows
            if (code_in(row["method"]), row["required"]) == ([method], "yes")
        }
        of_kind(kind)(auth={"method": method, **required})
        for left_out in required:
            with pytest.raises(ConfigError):
                of_kind(kind)(auth={"method": method, **{key: "x" for key in required if key != left_out}})


def known_to(kind: str, auth: dict[str, str]) -> list[str]:
    """Return what the message about an unknown word says is known."""
    with pytest.raises(ConfigError) as caught:
        of_kind(kind)(auth=auth)
    _, found, words = str(caught.value).rpartition("known are: ")
    return words.split(", ") if found else []


def test_every_reason_is_described() -> None:
    rows = table_under("reference/errors.md", "## Reasons", "reason")

    assert [reason.value for reason in Reason] == [code_in(row["reason"])[0] for row in rows]
    for row in rows:
        reason = Reason(code_in(row["reason"])[0])
        assert reason.text == row["message"]
        if reason not in {Reason.MISSING, Reason.DELETED, Reason.FIELD}:
            assert [type(resolver_error(reason)).__name__] == code_in(row["error"])


def test_every_error_is_described() -> None:
    described = [code_in(row["error"])[0] for row in table_under("reference/errors.md", "# Errors", "error")]
    kinds = {
        name
        for name in errors.__all__
        if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), SecretSourceError)
    }

    assert kinds - {"SecretSourceError"} == set(described)


def test_the_tree_of_errors_is_the_one_of_the_code() -> None:
    tree = blocks_of(ROOT / "docs/reference/errors.md")[0].code

    assert errors.__doc__ is not None
    assert all(line.strip() in errors.__doc__ for line in tree.splitlines())


def test_every_exit_status_is_described() -> None:
    rows = table_under("how-to/command-line.md", "## Exit status", "status")
    described = {name: int(row["status"]) for row in rows for name in code_in(row["error"])}

    for name, status in described.items():
        assert status == _exit.status_of(getattr(errors, name)("x")), name
    assert {kind.__name__ for kind, _ in _exit.STATUSES} - {"SecretSourceError"} <= set(described)


def test_every_name_maps_as_the_table_says(elsewhere: None) -> None:
    for row in table_under("reference/resolvers.md", "# Resolvers", "resolver"):
        resolver = of_kind(code_in(row["resolver"])[0])()
        for name in ("pepipost/api_key", "stripe_key", "db/primary/password"):
            place = resolver.locate(name)
            field = "" if place.field is None else f"#{place.field}"
            assert [f"{place.address}{field}"] == code_in(row[f"`{name}`"])


def test_every_public_name_is_in_the_api_reference() -> None:
    text = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    shown = {line.removeprefix("::: secretsource.") for line in text.splitlines() if line.startswith("::: ")}

    assert set(secretsource.__all__) - {"__version__"} <= shown
    assert {f"testing.{name}" for name in secretsource.testing.__all__} <= shown


def test_what_a_test_can_arrange_is_there() -> None:
    rows = table_under("how-to/test-code-that-reads-secrets.md", "## With a store of your own", "call")

    memory = Overrides()  # all that a MemoryResolver has, and more
    assert all(hasattr(memory, code_in(row["call"])[0].split("(")[0].split(" ")[0]) for row in rows)
