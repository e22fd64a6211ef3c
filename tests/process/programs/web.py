"""A WSGI application that reads one secret when it is imported, and at each request the one that the path names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from secretsource import get_secret
from tests.process.programs._shown import shown

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

AT_IMPORT = get_secret("fork0/key")
IMPORTED_IN = os.getpid()


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    name = environ["PATH_INFO"].lstrip("/")
    value = get_secret(name, refresh=environ["QUERY_STRING"] == "refresh")
    start_response("200 OK", [("Content-Type", "application/json")])
    said = {
        "value": shown(value),
        "at_import": shown(AT_IMPORT),
        "process": os.getpid(),
        "imported_in": IMPORTED_IN,
    }
    return [json.dumps(said).encode()]
