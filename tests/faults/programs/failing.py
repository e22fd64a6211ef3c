"""Reads a secret in vain: with every log line, rich's tracebacks with local variables, and sentry-sdk as it comes."""

from __future__ import annotations

import logging
import sys
from typing import Any

import rich.traceback
import sentry_sdk
import sentry_sdk.transport

from secretsource import get_secret


class Told(sentry_sdk.transport.Transport):
    """Prints what would be sent."""

    def capture_envelope(self, envelope: Any) -> None:
        sys.stdout.write("told the error tracker\n" + envelope.serialize().decode("utf-8", "replace"))
        sys.stdout.flush()


def use(prefix: str) -> None:
    logging.getLogger("app").info("reads")
    secret = get_secret("app/key")
    sys.stdout.write(f"{prefix} {len(secret)}\n")


def main() -> None:
    logging.basicConfig(level=logging.DEBUG)
    rich.traceback.install(show_locals=True, locals_max_string=None, locals_max_length=None, width=200)
    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Told())
    use("used")


if __name__ == "__main__":
    main()
