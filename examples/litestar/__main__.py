"""Make a link with a Litestar application, open it, and let it end by changing the key while the application runs.

pip install -r examples/litestar/requirements.txt
python -m examples.litestar
"""

import os
import secrets
import tempfile
import time
from pathlib import Path

from litestar.testing import TestClient

from examples.litestar.app import app

NOTICED = 1.5  # seconds until an edit of .env is seen


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write(secrets.token_hex())
        with TestClient(app) as client:
            link = client.get("/links/7").text
            print("opened            ", shown(client, link))
            print("another invoice   ", shown(client, link.replace("/7?", "/8?")))
            write(secrets.token_hex())
            time.sleep(NOTICED)
            print("with a new key    ", shown(client, link))
            print("a new link        ", shown(client, client.get("/links/7").text))
        os.chdir("/")
    print("done")


def shown(client: TestClient, link: str) -> str:
    answer = client.get(link)
    return f"{answer.status_code} {answer.text}"


def write(key: str) -> None:
    """Put a whole new file in the place of the old one, so that nobody reads half of it."""
    new = Path("new")
    new.touch(mode=0o600)
    new.write_text(f"SHOP_LINK_KEY={key}\n", encoding="utf-8")
    new.replace(".env")


if __name__ == "__main__":
    main()
