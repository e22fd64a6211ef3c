"""The pytest plugin: the fixture is there in every run, and costs nothing until it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from secrets import token_hex

import pytest

from secretsource import AccessDenied, SecretNotFound, default_store, get_secret
from secretsource import _default as default
from secretsource.testing import Overrides


def test_a_call_overrides_for_the_time_of_the_test(secrets: Overrides) -> None:
    secrets({"pepipost/api_key": "x"})
    secrets({"stripe_key": "y"})
    assert ["x", "y"] == [get_secret("pepipost/api_key"), get_secret("stripe_key")]


def test_its_methods_arrange_the_rest(secrets: Overrides) -> None:
    secrets.put("a/b", "x")
    secrets.deny("c/d")
    assert "x" == get_secret("a/b")
    with pytest.raises(AccessDenied):
        get_secret("c/d")


def test_asking_for_it_is_enough_to_keep_from_every_backend(
    secrets: Overrides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_B", "from the environment")
    with pytest.raises(SecretNotFound):
        get_secret("a/b")


class TestAfterwards:
    def test_during(self, secrets: Overrides) -> None:
        assert "Store([override])" == repr(default_store())

    def test_after(self) -> None:
        store = default._default.store
        assert store is None or "override" not in repr(store)


# A plugin of others that warns where nothing is configured, and files that nobody needs.
_QUIET = ("-p", "no:asyncio", "-p", "no:cacheprovider")


def run(folder: Path, source: str, *arguments: str) -> str:
    """Run pytest in a project of its own and return what it prints."""
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *_QUIET, *arguments, "test_it.py"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_project_has_the_fixture_without_doing_anything(tmp_path: Path) -> None:
    source = """
from secretsource import get_secret

def test_x(secrets):
    secrets({"pepipost/api_key": "x"})
    assert get_secret("pepipost/api_key") == "x"
"""
    assert "1 passed" in run(tmp_path, source)
    assert "-- Answer secrets from memory" in run(tmp_path, source, "--fixtures", "-v").replace("    ", "-- ")


def test_a_run_that_does_not_use_it_loads_nothing_of_the_core(tmp_path: Path) -> None:
    source = """
import sys

def test_x():
    loaded = [name for name in sys.modules if name.partition(".")[0] == "secretsource"]
    assert ["secretsource", "secretsource._guard", "secretsource._pytest_plugin"] == sorted(loaded)
"""
    assert "1 passed" in run(tmp_path, source)


def test_a_project_may_have_a_fixture_of_that_name(tmp_path: Path) -> None:
    source = """
import pytest

@pytest.fixture
def secrets():
    return "mine"

def test_x(secrets):
    assert secrets == "mine"
"""
    assert "1 passed" in run(tmp_path, source)


def test_a_resolver_of_others_is_proven_by_the_contract(tmp_path: Path) -> None:
    source = """
from secretsource.testing import MemoryResolver, ResolverContract

class Cutting(MemoryResolver):
    def fetch(self, location, deadline):
        return None

class TestMine(ResolverContract):
    documents = stores_empty = binary = False

    def setup_method(self):
        self.memory = Cutting()

    def make_resolver(self):
        return self.memory

    def put(self, name, value):
        self.memory.put(name, value)

    def remove(self, name):
        self.memory.remove(name)
"""
    printed = run(tmp_path, source)
    assert "FAILED test_it.py::TestMine::test_text_comes_back" in printed
    assert "E       assert <no value> == <str of length 94>" in printed
    assert "TestMine::test_bytes_come_back" not in printed
    assert "ResolverContract::" not in printed


def test_importing_the_tools_loads_neither_pytest_nor_a_client_library() -> None:
    source = """
import sys, secretsource.testing
heavy = ("pytest", "_pytest", "boto3", "botocore", "hvac", "conjur_api", "urllib3", "requests", "ssl", "asyncio")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert "[]" == done.stdout.strip()


def test_the_public_names_are_sorted_and_there() -> None:
    from secretsource import testing

    assert sorted(testing.__all__) == testing.__all__
    assert all(hasattr(testing, name) for name in testing.__all__)


_FAILS = """
import os
from secretsource import get_secret

def test_text():
    assert get_secret("a/b") == "something else"

def test_other_side():
    assert "something else" == get_secret("a/b")

def test_in_a_list():
    assert [get_secret("a/b")] == ["something else"]

def test_bytes():
    from secretsource import get_secret_bytes
    assert get_secret_bytes("a/b") == b"something else"
"""


def test_a_failed_comparison_does_not_print_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = token_hex(8)
    monkeypatch.setenv("A_B", value)
    printed = run(tmp_path, _FAILS, "-vv", "--showlocals")
    assert "4 failed" in printed
    assert value not in printed
