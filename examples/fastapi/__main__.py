"""Send signed notices to a FastAPI application, change the key while it runs, and see how it starts without one.

pip install -r examples/fastapi/requirements.txt
python -m examples.fastapi
"""

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from pathlib import Path

from fastapi.testclient import TestClient

from examples.fastapi.app import app
from secretsource import SecretNotFound

NOTICED = 1.5  # seconds until an edit of .env is seen


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        refuse_to_start()
        first, second = secrets.token_hex(), secrets.token_hex()
        write(first)
        with TestClient(app) as client:
            print("signed with the key          ", send(client, first))
            print("signed with another          ", send(client, second))
            write(second)
            time.sleep(NOTICED)
            print("signed with the new key      ", send(client, second))
            print("signed with the old one      ", send(client, first))
        print("parameters that clients see  ", parameters())
        os.chdir("/")
    print("done")


def refuse_to_start() -> None:
    try:
        with TestClient(app):
            raise SystemExit("the application has started without its key")
    except SecretNotFound as error:
        print("without a key it does not start:", error)


def send(client: TestClient, key: str) -> str:
    body = b'{"payment": 1}'
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    answer = client.post("/payments", content=body, headers={"X-Signature": signature})
    return f"{answer.status_code} {answer.text}"


def parameters() -> list[str]:
    return [each["name"] for each in app.openapi()["paths"]["/payments"]["post"]["parameters"]]


def write(key: str) -> None:
    """Put a whole new file in the place of the old one, so that nobody reads half of it."""
    new = Path("new")
    new.touch(mode=0o600)
    new.write_text(f"STRIPE_WEBHOOK_KEY={key}\n", encoding="utf-8")
    new.replace(".env")


if __name__ == "__main__":
    main()
