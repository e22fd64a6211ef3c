from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import secretsource

DOCUMENTED = {
    # reading
    "get_secret", "aget_secret", "get_secret_bytes", "get_secrets", "get_fields", "prefetch", "secret",
    "SecretHandle", "Secret", "MaskedStr", "MaskedBytes",
    # rotation
    "attempts", "Attempts", "Attempt", "on_rotation",
    # the store and its configuration
    "configure", "default_store", "Store", "Link", "Config", "SecretConfig", "Explanation", "Step", "Outcome",
    "Check", "LinkCheck", "NameCheck",
    # resolvers of others
    "Resolver", "Location", "Deadline", "Document", "NotThere",
    # errors
    "SecretSourceError", "ConfigError", "InvalidReference", "MissingDependency", "SecretNotFound", "ResolverError",
    "AccessDenied", "InvalidResponse", "BackendUnavailable", "DeadlineExceeded", "Reason", "InvalidValue",
    "WriteConflict",
    "__version__",
}  # fmt: skip


def test_the_public_names_are_the_documented_ones() -> None:
    assert set(secretsource.__all__) == DOCUMENTED


def test_the_public_names_are_sorted_and_each_is_listed_once() -> None:
    assert sorted(set(secretsource.__all__)) == secretsource.__all__


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(secretsource, name) is not None
    assert getattr(secretsource, name) == getattr(secretsource, name)


def test_dir_lists_the_public_names() -> None:
    assert secretsource.__all__ == dir(secretsource)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'get_secert'"):
        secretsource.get_secert  # noqa: B018


def test_a_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from secretsource import *", names)
    assert set(names) >= DOCUMENTED


@pytest.mark.parametrize("name", sorted(DOCUMENTED - {"__version__"}))
def test_each_public_name_says_what_it_is_for(name: str) -> None:
    assert inspect.getdoc(getattr(secretsource, name))


@pytest.mark.parametrize(
    "name", ["get_secret", "aget_secret", "get_secret_bytes", "get_secrets", "get_fields", "prefetch"]
)
def test_everything_after_the_first_argument_is_given_by_keyword(name: str) -> None:
    _, *others = inspect.signature(getattr(secretsource, name)).parameters.values()
    assert {inspect.Parameter.KEYWORD_ONLY} == {each.kind for each in others}


@pytest.mark.parametrize("module", ["errors", "resolvers"])
def test_the_public_modules_list_their_names_sorted(module: str) -> None:
    found = importlib.import_module(f"secretsource.{module}")
    assert sorted(found.__all__) == found.__all__


def test_what_users_do_not_import_has_a_leading_underscore() -> None:
    modules = {module.name for module in pkgutil.iter_modules(secretsource.__path__)}
    public = {name for name in modules if not name.startswith("_")}
    assert public <= {"cli", "errors", "integrations", "resolvers", "testing"}
