"""A real MariaDB server on loopback, with passwords made at run time; Debian has it as `mariadb-server-core`."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.servers._process import LOOPBACK, Process, StartError, free_port

if TYPE_CHECKING:
    import pymysql

SUPERUSER = "root"
_INSTALL, _SERVER = "mariadb-install-db", "mariadbd"


class MariaDB:
    """Make a data folder in a temporary folder and start a server on it."""

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(16)
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        try:
            self._make_data()
            self._process = Process([_program(_SERVER), *self._options()])
            self._process.wait_until(self._is_ready)
        except (StartError, subprocess.SubprocessError):
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @staticmethod
    def is_installed() -> bool:
        """Whether its programs are on this machine."""
        return all(_found(name) for name in (_INSTALL, _SERVER))

    def _make_data(self) -> None:
        command = [_program(_INSTALL), "--no-defaults", f"--datadir={self._data}", *_user()]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        subprocess.run([*command, *options], check=True, capture_output=True, cwd=self._folder)
        first = self._folder / "first.sql"
        with open(first, "w", encoding="utf-8", opener=_private) as file:
            file.write(f"ALTER USER {SUPERUSER}@localhost IDENTIFIED BY '{self.password}';\n")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _options(self) -> list[str]:
        settings = {
            "bind-address": LOOPBACK,
            "port": str(self.port),
            "datadir": str(self._data),
            "socket": str(self._folder / "socket"),
            "pid-file": str(self._folder / "pid"),
            "init-file": str(self._folder / "first.sql"),
            "innodb-buffer-pool-size": "16M",
            "innodb-flush-log-at-trx-commit": "0",
        }
        return ["--no-defaults", *_user(), *(f"--{key}={value}" for key, value in settings.items())]

    def _is_ready(self) -> bool:
        import pymysql

        with contextlib.suppress(pymysql.OperationalError):
            self.query("SELECT 1")
            return True
        return False

    def query(self, *statements: str, database: str | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run statements as the superuser and return the rows of the last one."""
        with self.connect(SUPERUSER, self.password, database=database) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall()

    @contextlib.contextmanager
    def connect(
        self, user: str, password: str, *, database: str | None = None
    ) -> Iterator[pymysql.Connection[Any]]:
        """Give a new connection that commits each statement."""
        import pymysql

        connection = pymysql.connect(
            host=LOOPBACK, port=self.port, user=user, password=password, database=database, autocommit=True
        )
        with connection:
            yield connection

    def create_user(self, name: str) -> str:
        """Make a user that may do everything, and return its password."""
        password = secrets.token_urlsafe(16)
        self.query(
            f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'",
            f"GRANT ALL PRIVILEGES ON *.* TO '{name}'@'%'",
        )
        return password

    def change_password(self, name: str) -> str:
        """Give a user another password, and return it."""
        password = secrets.token_urlsafe(16)
        self.query(f"ALTER USER '{name}'@'%' IDENTIFIED BY '{password}'")
        return password

    def end_connections(self, user: str) -> None:
        """End the connections of *user* at once."""
        import pymysql

        for (number,) in self.query(f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"):
            with contextlib.suppress(pymysql.OperationalError):  # it has gone by itself
                self.query(f"KILL {number}")

    def stop(self) -> None:
        """End the server. Safe to call twice."""
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def _found(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def _program(name: str) -> str:
    program = _found(name)
    assert program is not None, f"{name} is not installed: apt-get install mariadb-server-core"
    return program


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
