"""Change the session key of a Flask app that runs under gunicorn with two workers, and log nobody out.

pip install -r examples/flask/requirements.txt
python -m examples.flask
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTICED = 1.5  # seconds until an edit of .env is seen


def main() -> None:
    first, second = secrets.token_hex(), secrets.token_hex()
    with tempfile.TemporaryDirectory() as folder:
        write(folder, SHOP_SESSION_KEY=first)
        port = free_port()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--workers", "2", "--log-level", "warning"),
                *("--bind", f"127.0.0.1:{port}", "examples.flask.app:create_app()"),
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        try:
            somebody = Person(f"http://127.0.0.1:{port}/")
            say("with the first key", somebody)
            write(folder, SHOP_SESSION_KEY=first, SHOP_SESSION_KEY_NEXT=second)
            time.sleep(NOTICED)  # every worker must know the next key before one of them signs with it
            say("the next key is known", somebody)
            write(folder, SHOP_SESSION_KEY=second, SHOP_SESSION_KEY_PREVIOUS=first)
            say("while the workers change", somebody)
            time.sleep(NOTICED)
            say("with the second key", somebody)
        finally:
            server.terminate()
            server.wait()
    print("done")


class Person:
    """Somebody with a browser, which keeps cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def visit(self) -> str:
        for _ in range(100):
            try:
                with self.browser.open(self.address, timeout=10) as answer:
                    return answer.read().decode()
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.1)  # the server is starting
        raise TimeoutError("the server did not start")


def say(when: str, somebody: Person) -> None:
    print(f"{when:<26}{', '.join(somebody.visit() for _ in range(4))}")


def write(folder: str, **keys: str) -> None:
    """Put a whole new file in the place of the old one, so that nobody reads half of it."""
    new = Path(folder, "new")
    new.touch(mode=0o600)
    new.write_text("".join(f"{name}={value}\n" for name, value in keys.items()), encoding="utf-8")
    new.replace(Path(folder, ".env"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
