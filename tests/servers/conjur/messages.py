"""A request as the routes see it, and the answer they give."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: GET for a HEAD too; the sender leaves the body out.
        path: the path as sent, still percent-encoded.
        query: the decoded query; a plus sign in it is a space.
        headers: names in small letters.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    client_ip: str

    def form(self) -> dict[str, str]:
        """Return the body's form fields."""
        return first_values(self.body.decode(errors="replace"))

    def basic(self) -> tuple[str, str] | None:
        """Return login and password of HTTP Basic, if they were sent."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            login, colon, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (login, password) if colon else None


def first_values(query: str) -> dict[str, str]:
    """Decode a query, a plus sign as a space; the last of several equal names counts, as in Rails."""
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; the length and the reason phrase are added when it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


class RefusedError(Exception):
    """Ends the work on a request with an answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply
