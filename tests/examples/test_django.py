"""`python -m examples.django`, as a person sees it; and its settings with a real database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.django.__main__ import Person, command, environ, free_port, write
from tests.servers.postgres import Postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.django"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("django"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_the_check_names_the_setting_and_the_secret(shown: list[str]) -> None:
    assert "SECRET_KEY: (secretsource.E001) 'django/secret_key' was not found; asked:" == shown[0]
    assert "System check identified no issues (0 silenced)." == shown[1]


def test_nobody_is_logged_out_by_new_keys(shown: list[str]) -> None:
    visits = [f"visit {3 * row + 1}, visit {3 * row + 2}, visit {3 * row + 3}" for row in range(4)]
    assert visits == [line[22:] for line in shown[2:-1]]
    assert "done" == shown[-1]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def test_a_new_password_of_the_database_is_taken_while_it_runs(postgres: Postgres, tmp_path: Path) -> None:
    password = postgres.create_user("shop")
    postgres.query("CREATE DATABASE shop OWNER shop")

    def store(password: str) -> None:
        write(str(tmp_path), DJANGO_SECRET_KEY="k" * 50, DB_PRIMARY_USER="shop", DB_PRIMARY_PASSWORD=password)

    store(password)
    where = environ() | {"DB_HOST": "127.0.0.1", "DB_PORT": str(postgres.port)}
    subprocess.run(command("migrate", "--verbosity=0"), cwd=tmp_path, env=where, check=True)
    port = free_port()
    server = subprocess.Popen(
        command("runserver", "--noreload", f"127.0.0.1:{port}"),
        cwd=tmp_path,
        env=where,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        somebody = Person(f"http://127.0.0.1:{port}/")
        visits = [somebody.visit()]
        store(postgres.change_password("shop"))
        postgres.end_connections("shop")
        visits += [somebody.visit(), somebody.visit()]
    finally:
        server.terminate()
        server.wait()
    assert ["visit 1", "visit 2", "visit 3"] == visits
