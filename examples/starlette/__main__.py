"""Ask a Starlette application while all is well, with other secrets, and in an outage.

pip install -r examples/starlette/requirements.txt
python -m examples.starlette
"""

import logging
import secrets

from starlette.testclient import TestClient

from examples.starlette.app import app
from secretsource.testing import override


def main() -> None:
    logging.disable()  # the outage is one that we make
    key = secrets.token_hex(8)
    with override({"pepipost/api_key": key}) as backend, TestClient(app) as client:
        print("all is well     ", shown(client))
        backend.put("shop/old_keys", f"{key}, {secrets.token_hex(8)}")
        print("with old keys   ", shown(client))
        backend.fail("throttled", retry_after=30)
        print("in an outage    ", shown(client))
        backend.recover()
        print("after it        ", shown(client))
    print("done")


def shown(client: TestClient) -> str:
    answer = client.get("/")
    wait = answer.headers.get("Retry-After")
    return f"{answer.status_code} {answer.text}" + (f", and again in {wait} s" if wait else "")


if __name__ == "__main__":
    main()
