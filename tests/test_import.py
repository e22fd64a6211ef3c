"""What happens at import: nothing. Each test is a process of its own, because this one has imported everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import secretsource

SDKS = {"boto3", "botocore", "hvac", "conjur_api", "requests", "urllib3", "aiohttp", "httpx"}
SLOW = {
    "ssl",
    "asyncio",
    "http.client",
    "urllib.request",
    "concurrent.futures",
    "importlib.metadata",
    "inspect",
}
OURS = {"cachetools", "dotenv", "click", "tomllib", "difflib"}
PACKAGE = str(Path(secretsource.__file__).parent)

# Written before the package is imported; site's own work at start-up is over by then.
PROBE = """
import json, sys, threading
events = []
def hook(event, arguments):
    watched = ("socket.", "subprocess.", "os.fork", "os.exec", "_thread.start")
    if event in ("open", "os.listdir", "os.scandir") or event.startswith(watched):
        events.append([event, str(arguments[0]) if arguments else ""])
before = set(sys.modules)
import os, logging
environment, handlers = dict(os.environ), list(logging.getLogger().handlers)
sys.addaudithook(hook)
{code}
seen = list(events)
json.dump({{
    "modules": sorted(set(sys.modules) - before),
    "events": seen,
    "threads": threading.active_count(),
    "environment": environment == dict(os.environ),
    "handlers": handlers == logging.getLogger().handlers,
}}, sys.stdout)
"""


class Seen:
    """What a process did."""

    def __init__(self, code: str, folder: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "PEPIPOST_API_KEY": "x", "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROBE.format(code=code)],
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert b"" == run.stderr
        told = json.loads(run.stdout)
        self.modules: set[str] = set(told["modules"])
        self.threads: int = told["threads"]
        self.unchanged: bool = told["environment"] and told["handlers"]
        self.events: list[tuple[str, str]] = [tuple(event) for event in told["events"]]

    @property
    def files(self) -> set[str]:
        """The files that were opened or listed, besides those of modules."""
        return {path for event, path in self.events if event in {"open", "os.listdir", "os.scandir"}
                and not path.endswith((".py", ".pyc", ".so")) and not _holds_modules(path)}  # fmt: skip

    @property
    def others(self) -> list[tuple[str, str]]:
        """What was neither opening nor listing."""
        return [event for event in self.events if event[0] not in {"open", "os.listdir", "os.scandir"}]


def _holds_modules(path: str) -> bool:
    return (
        path.startswith(PACKAGE)
        or path in sys.path
        or any(path.startswith(each) for each in sys.path if each)
    )


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return Seen("import secretsource", tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("cwd")
    (folder / ".git").mkdir()
    return Seen(
        "from secretsource import get_secret\nassert 'x' == get_secret('pepipost/api_key')\n"
        "assert None is get_secret('missing', default=None)",
        folder,
    )


def test_importing_loads_no_sdk_and_nothing_slow(imported: Seen) -> None:
    assert set() == imported.modules & (SDKS | SLOW | OURS)


def test_importing_opens_no_file_but_the_packages_own(imported: Seen) -> None:
    opened = [path for event, path in imported.events if event == "open"]
    assert all(path.startswith((PACKAGE, sys.base_prefix, sys.prefix)) for path in opened)
    assert set() == imported.files


def test_importing_starts_no_thread_and_opens_no_socket(imported: Seen) -> None:
    assert [] == imported.others
    assert 1 == imported.threads


def test_importing_changes_neither_the_environment_nor_logging(imported: Seen) -> None:
    assert imported.unchanged


def test_importing_the_function_does_not_load_the_resolvers_of_backends(imported: Seen) -> None:
    assert "secretsource.resolvers.vault" not in imported.modules


def test_a_read_from_the_environment_loads_no_sdk_and_nothing_slow(used: Seen) -> None:
    assert set() == used.modules & (SDKS | {"ssl", "asyncio", "http.client", "importlib.metadata"})
    assert set() == used.modules & {"dotenv", "click", "tomllib", "dataclasses", "inspect"}


def test_a_read_from_the_environment_loads_no_resolver_that_is_not_in_the_chain(used: Seen) -> None:
    loaded = {
        module.removeprefix("secretsource.resolvers.") for module in used.modules if "resolvers." in module
    }
    assert {"dotenv", "env"} == {module for module in loaded if not module.startswith("_")}


def test_a_read_from_the_environment_starts_no_thread_and_opens_no_socket(used: Seen) -> None:
    assert [] == used.others
    assert 1 == used.threads


def test_a_read_from_the_environment_opens_files_of_the_configuration_alone(used: Seen) -> None:
    names = {os.path.basename(path) for path in used.files}
    assert names <= {"secretsource.toml", "pyproject.toml", ".env", ".env.local"}


@pytest.mark.parametrize("kind", ["aws", "vault", "conjur"])
def test_the_module_of_a_backend_is_imported_without_its_sdk(kind: str, tmp_path: Path) -> None:
    seen = Seen(f"import secretsource.resolvers.{kind}", tmp_path)
    assert set() == seen.modules & (SDKS | {"asyncio", "ssl"})
    assert ([], 1) == (seen.others, seen.threads)


def test_importing_every_public_name_loads_no_sdk(tmp_path: Path) -> None:
    seen = Seen("from secretsource import *", tmp_path)
    assert set() == seen.modules & (SDKS | {"ssl", "asyncio"})
