"""Check a Django project before it is deployed, and change its SECRET_KEY while people are logged in: nobody notices.

pip install -r examples/django/requirements.txt
python -m examples.django
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
    old, new = secrets.token_hex(), secrets.token_hex()
    with tempfile.TemporaryDirectory() as folder:
        checked = manage(folder, "check", "--deploy", "--tag", "secrets")
        print("\n".join(line for line in checked.stderr.splitlines() if "(secretsource." in line))

        write(folder, DJANGO_SECRET_KEY=old)
        print(manage(folder, "check", "--deploy", "--tag", "secrets").stdout.strip())
        manage(folder, "migrate", "--verbosity=0")

        port = free_port()
        server = subprocess.Popen(
            command("runserver", "--noreload", f"127.0.0.1:{port}"),
            cwd=folder,
            env=environ(),
            stdout=subprocess.DEVNULL,
        )
        try:
            somebody = Person(f"http://127.0.0.1:{port}/")
            say("with the old key", somebody)
            write(folder, DJANGO_SECRET_KEY=old, DJANGO_SECRET_KEY_NEW=new, DJANGO_SECRET_KEY_OLD=old)
            time.sleep(NOTICED)  # every process must know both before one of them signs with the new one
            say("both keys are known", somebody)
            write(folder, DJANGO_SECRET_KEY=new, DJANGO_SECRET_KEY_NEW=new, DJANGO_SECRET_KEY_OLD=old)
            time.sleep(NOTICED)
            say("with the new key", somebody)
            write(folder, DJANGO_SECRET_KEY=new)
            time.sleep(NOTICED)
            say("the old key is gone", somebody)
        finally:
            server.terminate()
            server.wait()
    print("done")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "django", *arguments, "--settings", "examples.django.settings"]


def manage(folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environ(), capture_output=True, text=True, check=False
    )


def environ() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


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
    print(f"{when:<22}{', '.join(somebody.visit() for _ in range(3))}")


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
