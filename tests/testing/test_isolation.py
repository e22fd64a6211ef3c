"""What one test does to the process-wide store is not seen by the next one, and what its markers say is done."""

from __future__ import annotations

import pytest

from tests.testing.inner import OURS, passes

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose configuration names nothing but the environment."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makefile(".toml", secretsource='chain = ["env"]')
    return pytester


# The marker


def test_the_marker_gives_values_and_the_inner_ones_are_added_to_the_outer_ones(
    project: pytest.Pytester,
) -> None:
    source = """
pytestmark = pytest.mark.secrets({"a": "module", "b": "module", "db/primary": {"user": "u", "password": "p"}})

def read(*names):
    return [get_secret(name) for name in names]

def test_module():
    assert read("a", "b", "db/primary/password") == ["module", "module", "p"]

@pytest.mark.secrets({"b": "class"})
class TestX:
    @pytest.mark.secrets({"c": "outer", "d": "outer"})
    @pytest.mark.secrets({"c": "inner", "db/primary/password": "q"})
    def test_method(self):
        assert read("a", "b", "c", "d") == ["module", "class", "inner", "outer"]
        assert read("db/primary/user", "db/primary/password") == ["u", "q"]

@pytest.mark.parametrize("expected", [
    pytest.param("x", marks=pytest.mark.secrets({"a": "x"})),
    pytest.param("y", marks=pytest.mark.secrets({"a": "y"})),
])
def test_parameters(expected):
    assert read("a") == [expected]

def test_others_are_not_there():
    with pytest.raises(SecretNotFound):
        get_secret("pepipost/api_key")
"""
    passes(project, source, passed=5)


def test_the_marker_and_the_fixture_go_together(project: pytest.Pytester) -> None:
    source = """
@pytest.fixture
def client():
    return get_secret("a")

class TestX:
    def setup_method(self):
        self.seen = get_secret("a")

    @pytest.mark.secrets({"a": "marker"})
    def test_x(self, client, secrets):
        secrets({"b": "fixture"})
        assert [client, self.seen] == ["marker", "marker"]
        assert [get_secret("a"), get_secret("b")] == ["marker", "fixture"]
        secrets.deny("a")
        with pytest.raises(PermissionError):
            get_secret("a")
"""
    passes(project, source)


def test_the_marker_covers_a_test_case_and_its_set_up(project: pytest.Pytester) -> None:
    source = """
import unittest

@pytest.mark.secrets({"a": "x"})
class Tests(unittest.TestCase):
    def setUp(self):
        self.seen = get_secret("a")
        self.addCleanup(lambda: get_secret("a"))

    def test_x(self):
        assert [self.seen, get_secret("a")] == ["x", "x"]
"""
    passes(project, source)


@pytest.mark.parametrize("arguments", ['"a"', '{"a": "x"}, {"b": "y"}', 'a="x"'])
def test_a_marker_that_is_given_something_else_says_so(project: pytest.Pytester, arguments: str) -> None:
    project.makepyfile(test_it=f"import pytest\n@pytest.mark.secrets({arguments})\ndef test_x(): pass\n")
    done = project.runpytest_inprocess(*OURS)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["E *TypeError: the marker secrets takes one mapping: *"])


def test_a_project_may_have_a_marker_of_that_name_without_arguments(project: pytest.Pytester) -> None:
    project.makepyfile(test_it="import pytest\n@pytest.mark.secrets\ndef test_x(): pass\n")
    project.runpytest_inprocess(*OURS, "--strict-markers").assert_outcomes(passed=1)


_COROUTINES = """
import asyncio
import pytest
from secretsource import aget_secret

@pytest.fixture
async def seen():
    return await aget_secret("a")

{mark}
@pytest.mark.secrets({{"a": "x"}})
async def test_x(seen):
    await asyncio.sleep(0)
    assert [seen, await aget_secret("a")] == ["x", "x"]
"""


@pytest.mark.parametrize(
    ("mark", "arguments"),
    [
        ("", ("-p", "asyncio", "-o", "asyncio_mode=auto")),
        ("@pytest.mark.anyio", ("-p", "anyio")),
    ],
    ids=["asyncio", "anyio"],
)
def test_coroutines_and_asynchronous_fixtures_see_it(
    project: pytest.Pytester, mark: str, arguments: tuple[str, ...]
) -> None:
    project.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n")
    project.makepyfile(test_it=_COROUTINES.format(mark=mark))
    done = project.runpytest_subprocess(*OURS, *arguments)
    done.assert_outcomes(passed=1)


# The process-wide store


def test_a_configure_of_one_test_does_not_reach_the_next_one(project: pytest.Pytester) -> None:
    source = """
from secretsource import _default
from secretsource.testing import MemoryResolver
closed = []

class Closing(MemoryResolver):
    def close(self):
        closed.append(self.name)

def test_first():
    configure(chain=[Closing({"a": "first"})])
    assert get_secret("a") == "first"

def test_second():
    assert _default._default.store is None
    assert closed == ["memory"]
"""
    passes(project, source, passed=2)


def test_a_variable_of_one_test_is_not_seen_in_the_next_one(project: pytest.Pytester) -> None:
    source = """
configure(chain=["env"])

@pytest.mark.parametrize("value", ["x", "y"])
def test_x(value, monkeypatch):
    monkeypatch.setenv("A_B", value)
    assert get_secret("a/b") == value

def test_gone():
    assert get_secret("a/b", default=None) is None
"""
    passes(project, source, passed=3)


_SCOPES = """
from secretsource import _default
from secretsource.testing import MemoryResolver

def is_none():
    return _default._default.store is None

@pytest.fixture(scope="session")
def of_session():
    configure(chain=[MemoryResolver({"a": "session"})])

class TestClass:
    @pytest.fixture(scope="class")
    def of_class(self, of_session):
        configure(chain=[MemoryResolver({"a": "class"})])

    def test_before(self): assert is_none()

    def test_asked_for_late(self, request):
        request.getfixturevalue("of_session")
        assert get_secret("a") == "session"

    def test_own(self, of_session):
        configure(chain=[MemoryResolver({"a": "own"})])
        assert get_secret("a") == "own"

    def test_that_of_the_session_again(self, of_session): assert get_secret("a") == "session"
    def test_that_of_the_class(self, of_class): assert get_secret("a") == "class"
    def test_and_again(self): assert get_secret("a") == "class"

def test_when_the_class_is_over():
    assert get_secret("a") == "session"
"""


def test_the_store_of_a_fixture_of_a_wider_scope_stays_as_long_as_the_fixture(
    project: pytest.Pytester,
) -> None:
    passes(project, _SCOPES, passed=7)


def test_an_override_of_a_fixture_of_a_wider_scope_ends_with_it(project: pytest.Pytester) -> None:
    source = """
from secretsource import _default

@pytest.fixture(scope="module")
def values():
    with override({"a": "module"}) as overrides:
        yield overrides

class Before:
    store = None

@pytest.fixture(scope="session", autouse=True)
def before():
    yield
    assert _default._default.store is None

def test_x(values, secrets):
    secrets({"b": "test"})
    assert [get_secret("a"), get_secret("b")] == ["module", "test"]

def test_y(values):
    assert get_secret("a") == "module"
    assert get_secret("b", default=None) is None
"""
    passes(project, source, passed=2)


def test_a_store_of_an_override_that_was_kept_says_so_in_the_next_test(project: pytest.Pytester) -> None:
    source = """
kept = []

@pytest.mark.secrets({"a": "x"})
def test_first():
    kept.append(default_store())
    assert kept[0].get("a").value == "x"

def test_second():
    with pytest.raises(IsolationError, match="belongs to an override that has ended.*default_store"):
        kept[0].get("a", default=None)
"""
    passes(project, source, passed=2)


_MANY = """
import threading
import pytest
from secretsource import SecretNotFound, get_secret
from secretsource.testing import override

@pytest.mark.parametrize("number", range(20))
def test_x(number, secrets):
    with pytest.raises(SecretNotFound):
        get_secret("a")
    secrets({"a": str(number)})
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(get_secret("a"))) for _ in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert seen == [str(number)] * 4

@pytest.mark.parametrize("number", range(20))
def test_none(number):
    assert get_secret("a", default=None) is None
"""


def test_workers_of_xdist_keep_their_tests_apart(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=_MANY)
    done = project.runpytest_subprocess(*OURS, "-p", "xdist", "-n", "2")
    done.assert_outcomes(passed=40)


def test_the_marker_is_told(project: pytest.Pytester) -> None:
    told = project.runpytest_inprocess(*OURS, "--markers").stdout.str()
    assert "@pytest.mark.secrets(values): answer secrets from memory" in told
