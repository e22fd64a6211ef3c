"""What came in, and what is to be answered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Received", "Reply", "Script"]


class Received(NamedTuple):
    """One request as it came in.

    Attributes:
        method: Of HTTP.
        path: With its query.
        headers: Their names in lower case.
        body: As it was sent.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """One answer, and how often it may still be given; `None` for always."""

    status: int
    headers: dict[str, str | None]
    body: bytes
    delay: float = 0.0
    truncate_to: int | None = None
    drip: float = 0.0
    close: bool = False
    times: int | None = None
    path: str | None = None

    def fits(self, path: str) -> bool:
        """Whether this is an answer to a request for *path*; a query counts only where ours has one."""
        return self.path is None or self.path == (path if "?" in self.path else path.partition("?")[0])


@dataclass(slots=True)
class Script:
    """The answers that are to come: those with a count first, in order, then those that stand."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    counted: list[Reply] = field(default_factory=list)
    standing: list[Reply] = field(default_factory=list)

    def add(self, reply: Reply) -> None:
        """Append an answer; one that stands takes the place of another one for its path."""
        with self.lock:
            if reply.times is not None:
                self.counted.append(reply)
                return
            self.standing = [other for other in self.standing if other.path != reply.path]
            # An answer for one path stands before the one for all.
            self.standing.insert(0 if reply.path is not None else len(self.standing), reply)

    def take(self, path: str) -> Reply | None:
        """Return the answer to a request for *path*, and use it up if it is counted."""
        with self.lock:
            for reply in self.counted:
                if reply.times and reply.fits(path):
                    reply.times -= 1
                    return reply
            return next((reply for reply in self.standing if reply.fits(path)), None)

    def clear(self) -> None:
        """Forget all answers."""
        with self.lock:
            self.counted.clear()
            self.standing.clear()
