from __future__ import annotations

import importlib.util
import secrets
import sys
import typing
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from secretsource import ConfigError, Link, MissingDependency, Resolver, configure, get_secret
from secretsource._registry import _POLICY, BUILT_IN, GROUP, LINK_KEYS
from secretsource._signature import described, fits, signature_of
from secretsource.resolvers import is_resolver

PLUGIN = """
from secretsource import ConfigError, Document, Location

class Mine:
    def __init__(self, name, *, url, size: int = 1, auth: dict[str, object] | None = None):
        self.name, self.url, self.auth = name, url, auth
    def locate(self, name, *, document=False):
        return Location(address=name)
    def fetch(self, location, deadline):
        return Document(value=self.url if self.auth is None else self.auth["token"]())

def open_minded(name, **settings):
    return Mine(name, **settings)

def failing(name, *, token: str):
    raise RuntimeError(f"cannot use {token}")

def refusing(name):
    raise ConfigError("url is no address")

def other_name(name):
    return Mine("other", url="x")

def nothing(name):
    return None

text = "not callable"
"""
ENTRIES = """[secretsource.resolvers]
mine = secretsource_test_plugin:Mine
open-minded = secretsource_test_plugin:open_minded
failing = secretsource_test_plugin:failing
refusing = secretsource_test_plugin:refusing
other-name = secretsource_test_plugin:other_name
nothing = secretsource_test_plugin:nothing
text = secretsource_test_plugin:text
no-attribute = secretsource_test_plugin:missing
no-module = secretsource_test_missing:Mine
broken = secretsource_test_broken:Mine
env = secretsource_test_plugin:Mine
"""


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a distribution of somebody else, as far as Python can tell."""
    site = tmp_path / "site"
    info = site / "secretsource_test_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: secretsource-test-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (site / "secretsource_test_plugin.py").write_text(PLUGIN)
    (site / "secretsource_test_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(site))
    (tmp_path / "project" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")


def settings_of_the_kind(kind: str, **settings: object) -> dict[str, object]:
    return {"chain": [kind], "resolvers": {kind: settings}}


def test_our_own_resolvers_are_registered_as_those_of_others_are() -> None:
    found = {each.name: each.value for each in entry_points(group=GROUP) if each.dist is not None
             and each.dist.name == "secretsource"}  # fmt: skip
    assert dict(BUILT_IN) == found


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_no_resolver_of_ours_needs_a_setting(kind: str) -> None:
    module, _, attribute = BUILT_IN[kind].partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    assert () == signature_of(factory).required


def test_the_keys_of_a_link_have_the_types_of_its_arguments() -> None:
    hints = typing.get_type_hints(Link, {**vars(sys.modules[Link.__module__])})
    assert {key: hints[key] for key in LINK_KEYS} == _POLICY.hints
    assert set(LINK_KEYS) == hints.keys() - {"resolver"}


class OnlyLocates:
    name = "only"

    def locate(self, name: str, *, document: bool = False) -> None: ...


class HasNoName:
    def locate(self, name: str, *, document: bool = False) -> None: ...

    def fetch(self, location: object, deadline: object) -> None: ...


class FetchesNothing(OnlyLocates):
    fetch = None


class Complete(OnlyLocates):
    def fetch(self, location: object, deadline: object) -> None: ...


@pytest.mark.parametrize(
    "thing", [OnlyLocates(), HasNoName(), FetchesNothing(), Complete(), None, "env", object()]
)
def test_what_a_resolver_is_is_told_as_isinstance_tells_it(thing: object) -> None:
    assert isinstance(thing, Resolver) is is_resolver(thing)


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_each_registered_resolver_is_there(kind: str) -> None:
    module, _, attribute = BUILT_IN[kind].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("kind", ["mine", "open-minded"])
def test_a_resolver_of_others_is_built_from_its_table(kind: str) -> None:
    store = configure(**settings_of_the_kind(kind, url="x", ttl=5, on_denied="next"))
    link = store.chain[0]
    assert ("x", 5, "next") == (get_secret("a"), link.ttl, link.on_denied)
    assert isinstance(link.resolver, Resolver)


def test_a_resolver_of_others_gets_its_credentials_as_callables(monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    monkeypatch.setenv("TOKEN", value)
    configure(**settings_of_the_kind("mine", url="x", auth={"token": "env://TOKEN"}))
    assert value == get_secret("a")


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("mine", {}, "resolvers.mine: url is missing"),
        ("mine", {"url": "x", "sise": 1}, "unknown key 'sise'; did you mean 'size'"),
        ("mine", {"url": "x", "size": "1"}, "resolvers.mine.size must be a whole number, not str"),
        ("mine", {"url": "x", "auth": 5}, "resolvers.mine.auth must be a table, not int"),
        ("ssm", {"tier": "free"}, "resolvers.ssm.tier must be 'standard' or 'advanced', not another text"),
        ("conjur", {"url": 5}, "resolvers.conjur.url must be text or a list, not int"),
        ("open-minded", {"address": "x"}, "the resolver cannot be built: it raised TypeError"),
        ("failing", {"token": "canary"}, "the resolver cannot be built: it raised RuntimeError"),
        ("refusing", {}, "url is no address"),
        ("other-name", {}, "the resolver calls itself 'other'"),
        ("nothing", {}, "a NoneType is no resolver"),
        ("text", {}, "cannot be loaded from secretsource_test_plugin:text: str is not callable"),
        ("no-attribute", {}, "cannot be loaded from secretsource_test_plugin:missing: AttributeError"),
        ("no-module", {}, "No module named 'secretsource_test_missing'"),
        ("broken", {}, "cannot be loaded from secretsource_test_broken:Mine: ZeroDivisionError"),
        ("miin", {}, "no resolver is of the kind 'miin'; did you mean 'mine'"),
    ],
)
def test_what_is_wrong_with_a_resolver_of_others_is_a_config_error(
    kind: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(**settings_of_the_kind(kind, **settings))
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_built_in_kind_cannot_be_replaced_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "x")
    configure(chain=["env"])
    assert "x" == get_secret("a")


def test_a_second_resolver_of_one_kind_has_its_own_name_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EU_A", "eu")
    monkeypatch.setenv("US_A", "us")
    store = configure(
        chain=["env-eu"],
        resolvers={
            "env-eu": {"kind": "env", "prefix": "EU_"},
            "env-us": {"kind": "env", "prefix": "US_"},
        },
    )
    assert ["env-eu"] == [link.name for link in store.chain]
    assert ("eu", "us") == (get_secret("a"), get_secret("env-us://US_A"))


def test_a_second_vault_has_an_address_of_its_own() -> None:
    addresses = {"vault": "https://127.0.0.1:1", "vault-eu": "https://127.0.0.1:2"}
    store = configure(
        chain=list(addresses),
        resolvers={name: {"kind": "vault", "address": address} for name, address in addresses.items()},
    )
    assert list(addresses) == [link.name for link in store.chain]


def test_the_policy_of_a_link_is_read_from_its_resolvers_table() -> None:
    policy = {"on_denied": "next", "on_unavailable": "next", "ttl": 5, "max_stale": 6.5}
    link = configure(chain=["env"], resolvers={"env": policy}).chain[0]
    assert policy == {key: getattr(link, key) for key in LINK_KEYS}


def test_a_resolver_outside_the_chain_is_checked_but_not_built() -> None:
    configure(chain=["env"], resolvers={"vault": {"mount": "kv"}})  # no address yet
    with pytest.raises(ConfigError, match="unknown key 'adress'"):
        configure(chain=["env"], resolvers={"vault": {"adress": "https://x"}})


def test_a_resolver_of_others_outside_the_chain_is_not_imported() -> None:
    configure(chain=["env"], resolvers={"broken": {"anything": 1}})
    assert "secretsource_test_broken" not in sys.modules
    with pytest.raises(ConfigError, match="did you mean 'broken'"):
        configure(chain=["env"], resolvers={"brokn": {}})


@pytest.mark.parametrize(
    ("kind", "modules", "extra"),
    [
        ("aws", ["boto3", "botocore"], "secretsource[aws]"),
        ("vault", ["hvac"], "secretsource[vault]"),
        ("conjur", ["conjur_api", "urllib3"], "secretsource[conjur]"),
    ],
)
def test_an_sdk_that_is_not_installed_is_told_with_its_extra(
    kind: str, modules: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> object:
        return None if name.partition(".")[0] in modules else found(name, package)

    module = importlib.import_module(BUILT_IN[kind].partition(":")[0])
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    if hasattr(module, "find_spec"):
        monkeypatch.setattr(module, "find_spec", find_spec)
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency) as caught:
        configure(chain=["env", kind])
    assert extra in str(caught.value)


@pytest.mark.parametrize(
    ("value", "hint", "result"),
    [
        ("x", str, True),
        (1, str, False),
        (1, float, True),
        (True, float, False),
        (True, int, False),
        (1.0, int, False),
        (True, bool, True),
        (None, str | None, True),
        (1, str | None, False),
        ({}, dict[str, object], True),
        ([], dict[str, object], False),
        ("x", object, True),
        ("x", "what is not understood", True),
    ],
)
def test_a_value_fits_a_type_or_not(value: object, hint: object, result: bool) -> None:
    assert result is fits(value, hint)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (str | None, "text"),
        (float | str, "a number or text"),
        (dict[str, object] | None, "a table"),
        (Path, "Path"),
    ],
)
def test_a_type_is_told_in_the_words_of_the_configuration(hint: object, words: str) -> None:
    assert words == described(hint)
