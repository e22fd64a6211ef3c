"""Each integration is imported in a process of its own, in which every other framework cannot be."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.integrations.modules import ROOT, extras, modules, needed_by, needs_of, packages_of

ALL = packages_of()
ELSEWHERE = {"airflow"}  # has an environment of its own, in which this file runs too
# Django's engines import the drivers, whichever is there; for MySQL none is, and Django says so itself.
DRIVERS = {"django.postgresql.base": {"psycopg"}}
WITHOUT_DRIVER = {"django.mysql.base": "ImproperlyConfigured"}
PROBE = """
import importlib, json, sys

class Absent:
    names = frozenset()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in cls.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent)

def attempt(module, absent):
    Absent.names = frozenset(absent)
    try:
        importlib.import_module(module)
    except Exception as error:
        return {"kind": type(error).__name__, "said": str(error)}
    return {"kind": "", "said": ""}

module, *absents = json.loads(sys.argv[1])
told = [attempt(module, absent) for absent in absents]
json.dump({"told": told, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}, sys.stdout)
"""


def probed(module: str, *absents: Iterable[str]) -> tuple[list[dict[str, str]], set[str]]:
    """Import *module* once for each set of absent packages; return what came of each, and what is loaded then."""
    question = json.dumps([module, *(sorted(absent) for absent in absents)])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, question],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    told = json.loads(done.stdout)
    return told["told"], set(told["loaded"])


def _extras_of(name: str) -> set[str]:
    """Return the extras that a module, or the package that it is in, names."""
    family = [each for each in modules() if each.partition(".")[0] == name.partition(".")[0]]
    return {need.extra for each in family for need in needs_of(each)}


@pytest.mark.parametrize("name", modules())
def test_an_integration_needs_its_own_framework_and_no_other(name: str) -> None:
    needs = needs_of(name)
    own = frozenset(package for extra in _extras_of(name) for package in packages_of(extra))
    if name in ELSEWHERE and not all(map(importlib.util.find_spec, own)):
        pytest.skip("its framework has an environment of its own, where `make airflow` runs this too")
    allowed = own | needed_by(own) | DRIVERS.get(name, set())

    told, loaded = probed(
        f"secretsource.integrations.{name}", *(need.packages for need in needs), ALL - allowed
    )

    for need, answer in zip(needs, told, strict=False):
        assert "MissingDependency" == answer["kind"], answer["said"]
        assert f"pip install 'secretsource[{need.extra}]'" in answer["said"]
    assert WITHOUT_DRIVER.get(name, "") == told[-1]["kind"], told[-1]["said"]
    assert set() == loaded & (ALL - allowed)


def required_by(distribution: str) -> set[str]:
    """Return what an installed distribution requires itself."""
    try:
        required = importlib.metadata.requires(distribution) or ()
    except importlib.metadata.PackageNotFoundError:
        return set()
    return {canonicalize_name(Requirement(each).name) for each in required}


@pytest.mark.parametrize("name", modules())
def test_the_extra_that_is_named_brings_what_is_missed(name: str) -> None:
    provided = importlib.metadata.packages_distributions()
    for need in needs_of(name):
        assert need.extra in extras()
        if name in ELSEWHERE and not need.packages & provided.keys():
            continue
        names = {canonicalize_name(each) for package in need.packages for each in provided[package]}
        brought = extras()[need.extra]
        brought |= {each for name in brought for each in required_by(name)}  # Airflow is a name for its parts
        assert names & brought, f"the extra {need.extra} brings none of {sorted(names)}"


def test_secretsource_itself_imports_no_framework() -> None:
    everything = (
        "import secretsource, secretsource.errors, secretsource.testing, secretsource.resolvers as resolvers\n"
        "for module in (secretsource, secretsource.errors, secretsource.testing, resolvers):\n"
        "    for name in module.__all__: getattr(module, name)\n"
        "import sys\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", everything], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())

    assert set() == {name for name in loaded if name.partition(".")[0] in ALL}
    assert set() == {name for name in loaded if name.startswith("secretsource.integrations")}
