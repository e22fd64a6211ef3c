"""The pytest plugin: the fixture and the marker ``secrets``, and no real backend for a test that did not ask for one.

Every pytest run of a project that has this package loads it, so it imports nothing of the core until a test wants it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import pytest

from secretsource._guard import set_refusal

if TYPE_CHECKING:
    from secretsource import Store
    from secretsource.errors import SecretSourceError
    from secretsource.testing import Overrides
    from secretsource.testing._memory import Values

__all__ = [
    "pytest_addoption",
    "pytest_assertrepr_compare",
    "pytest_configure",
    "pytest_fixture_setup",
    "pytest_load_initial_conftests",
    "secrets",
]

_OPTION: Final = "secretsource_backends"
_LEVELS: Final = ("all", "local", "none")
_MARKERS: Final = (
    "secrets(values): answer secrets from memory for the time of the test; nested ones add up",
    "real_secrets: let the test ask real backends",
)
_OURS: Final = "secretsource.resolvers."
_INSTEAD: Final = (
    "no real backend is asked in a test that did not ask for it; give the test values with the fixture or the marker "
    f"'secrets', or mark it with @pytest.mark.real_secrets, or set {_OPTION} = \"all\" in the configuration of pytest"
)
_GUARDED: Final = pytest.StashKey[bool]()
# The process-wide store from before each test: of one, or of several where a test runs pytest in its own process.
_stores: Final[list[Store | None]] = []


# No backend that was not asked for


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says which backends tests may ask."""
    parser.addini(
        _OPTION,
        "which backends tests may ask without saying so: all, local (env, dotenv, files; the default), or none",
        default="local",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Guard the backends before anything of the project is imported."""
    _guard(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    _guard(config)  # where a conftest has loaded the plugin


def _guard(config: pytest.Config) -> None:
    if _GUARDED in config.stash:
        return
    level = config.getini(_OPTION)
    if level not in _LEVELS:
        raise pytest.UsageError(f"{_OPTION} must be one of {', '.join(_LEVELS)}, not {level!r}")
    config.stash[_GUARDED] = True
    before = set_refusal(None if level == "all" else partial(_refusal, level == "local"))
    config.add_cleanup(lambda: cast(None, set_refusal(before)))


def _refusal(local_may: bool, resolver: object, where: str, configured: bool) -> SecretSourceError | None:
    """Return why *resolver* is not asked: the configuration names it, or it is one of ours.

    An object of another class that code has made is nobody's secret server: it may be the fake of the test.
    """
    if not (configured or type(resolver).__module__.startswith(_OURS)):
        return None
    if local_may and getattr(resolver, "local", False) is True:
        return None
    from secretsource.testing import IsolationError  # noqa: PLC0415 - see the top of this file

    name = getattr(resolver, "name", type(resolver).__name__)
    return IsolationError(f"{name}{where and f' at {where}'}: {_INSTEAD}")


# Values from memory


@pytest.fixture
def secrets() -> Iterator[Overrides]:
    """Answer secrets from memory for the time of a test, and let no backend be asked.

    Call it with values, ``secrets({"pepipost/api_key": "x"})``, or use its methods: ``secrets.deny("stripe_key")``.
    """
    from secretsource.testing import override  # noqa: PLC0415

    with override() as overrides:
        yield overrides


@pytest.fixture(autouse=True)
def _secretsource(request: pytest.FixtureRequest) -> Iterator[None]:
    """Do what the markers of a test say, and keep what it does to the process-wide store from the next one."""
    # An autouse fixture comes before those of the test, and after those of a wider scope.
    values = [_values_of(mark) for mark in request.node.iter_markers("secrets")]
    is_real = request.node.get_closest_marker("real_secrets") is not None
    _stores.append(_store())
    with ExitStack() as stack:
        stack.callback(_end_test)
        if values or is_real:
            from secretsource.testing import override, real_secrets  # noqa: PLC0415

            if is_real:
                stack.enter_context(real_secrets())
            if values:
                overrides = stack.enter_context(override())
                for each in reversed(values):  # the outermost first
                    overrides(each)
        yield


def _values_of(mark: pytest.Mark) -> Values:
    values: object = mark.args[0] if len(mark.args) == 1 and not mark.kwargs else None
    if not mark.args and not mark.kwargs:
        return {}
    if not isinstance(values, Mapping):
        raise TypeError(
            'the marker secrets takes one mapping: @pytest.mark.secrets({"pepipost/api_key": "x"})'
        )
    return cast("Values", values)


# Nothing of one test for the next one


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, None, None]:
    """Let the store that a fixture of a wider scope puts in place stay for as long as the fixture does."""
    if fixturedef.scope == "function":
        yield
        return
    before = _store()
    made: list[Store | None] = []
    # The first one that is added is the last one that is called: behind the fixture's own end.
    request.addfinalizer(lambda: _put_back(before) if made and _store() is made[0] else None)
    yield
    after = _store()
    if after is not before:
        made.append(after)
        if _stores:
            _stores[-1] = after


def _store() -> Store | None:
    """Return the process-wide store, if there is one."""
    default = sys.modules.get("secretsource._default")
    return None if default is None else default._default.store


def _put_back(store: Store | None) -> None:
    replaced = sys.modules["secretsource._default"].replace_default_store(store)
    if replaced is not None:
        replaced.close()


def _end_test() -> None:
    store = _stores.pop()
    if _store() is not store:
        _put_back(store)
    if store is not None:
        store.invalidate()


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Keep pytest from explaining a failed comparison by printing a masked value character by character."""
    values = sys.modules.get("secretsource._secret")
    if values is None or not any(isinstance(side, values.Value) for side in (left, right)):
        return None
    return [f"{left!r} {op} {right!r}", "the values differ; a masked one is not shown"]
