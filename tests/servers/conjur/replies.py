"""The kinds of answers Conjur gives, each with the headers that belong to it."""

import json
from http import HTTPStatus

from .messages import Reply

NO_CACHE = ("Cache-Control", "no-cache")
REVALIDATE = ("Cache-Control", "max-age=0, private, must-revalidate")
JSON = ("Content-Type", "application/json; charset=utf-8")
TEXT = ("Content-Type", "text/plain; charset=utf-8")
BASE64 = ("Content-Encoding", "base64")

# Python's own name for 422 changed in 3.13.
_REASONS = {422: "Unprocessable Content"}


def reason(status: int) -> str:
    """Return the reason phrase of *status*."""
    return _REASONS.get(status) or next((known.phrase for known in HTTPStatus if known == status), "")


def to_json(content: object) -> bytes:
    """Write JSON as Rails does: compact, UTF-8, and safe inside HTML."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode()


def data(content: object, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status, (JSON, REVALIDATE), to_json(content))


def text(content: str) -> Reply:
    """Answer with plain text."""
    return Reply(200, (TEXT, REVALIDATE), content.encode())


def value(content: bytes, mime_type: str) -> Reply:
    """Answer with the value of a variable."""
    disposition = ("Content-Disposition", "attachment")
    encoding = ("Content-Transfer-Encoding", "binary")
    return Reply(200, (("Content-Type", mime_type), disposition, encoding, REVALIDATE), content)


def empty(status: int) -> Reply:
    """Answer with a status alone."""
    kind = () if status == 204 else (("Content-Type", "text/html"),)
    return Reply(status, (*kind, NO_CACHE))


def token_refused(content: str) -> Reply:
    """Answer for a token that is missing or bad; this comes before any route."""
    return Reply(401, (("Content-Type", "text/plain"), NO_CACHE), content.encode())


def crash(status: int, accept: str = "") -> Reply:
    """Answer outside the application's own error handling: no such route, or a failure inside."""
    if "application/json" in accept:
        return Reply(status, (JSON,), to_json({"status": status, "error": reason(status)}))
    return Reply(status, (("Content-Type", "text/html; charset=utf-8"),))


def error(status: int, code: str, message: str, **more: object) -> Reply:
    """Answer with Conjur's error object."""
    return Reply(status, (JSON, NO_CACHE), to_json({"error": {"code": code, "message": message, **more}}))


def no_value(full: str) -> Reply:
    """Answer to a read of a variable that is missing, never set or not visible."""
    return error(404, "not_found", f"CONJ00076E Variable {full} is empty or not found.")


def no_record(full: str) -> Reply:
    """Answer when a resource is missing or not visible, except to a read."""
    account, kind, identifier = full.split(":", 2)
    details = {"code": "not_found", "target": "id", "message": full}
    message = f"{kind.capitalize()} '{identifier}' not found in account '{account}'"
    return error(404, "not_found", message, target=kind, details=details)


def argument(message: str) -> Reply:
    """Answer to a parameter that cannot be used."""
    return error(422, "argument_error", message)
