"""What the server saw: requests by kind, and connections."""

import re
from threading import Lock

_KINDS = (
    ("authenticate", "POST", re.compile(r"/authn.*/authenticate")),
    ("login", "GET", re.compile(r"/authn.*/login")),
    ("batch", "GET", re.compile(r"/secrets")),
    ("read", "GET", re.compile(r"/secrets/.+")),
    ("set", "POST", re.compile(r"/secrets/.+")),
    ("list", "GET", re.compile(r"/resources/.+")),
    ("policy", "*", re.compile(r"/policies/.+")),
)
KINDS = tuple(name for name, _, _ in _KINDS)


def kind_of_request(method: str, target: str) -> str:
    """Say what a request is: one of `KINDS`, or `other`."""
    path = target.partition("?")[0]
    for name, wanted, pattern in _KINDS:
        if wanted in {"*", "GET" if method == "HEAD" else method} and pattern.fullmatch(path):
            return name
    return "other"


class Seen:
    """Counts what comes in, for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[tuple[str, str]] = []
        self._connections = 0

    def note_request(self, method: str, target: str) -> None:
        """Remember a request."""
        with self._lock:
            self._requests.append((method, target))

    def note_connection(self) -> None:
        """Remember a connection."""
        with self._lock:
            self._connections += 1

    def reset(self) -> None:
        """Forget the requests; connections stay counted."""
        with self._lock:
            self._requests.clear()

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The requests so far: method and target, as sent."""
        with self._lock:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """The connections so far."""
        with self._lock:
            return self._connections

    def count(self, kind: str) -> int:
        """Count the requests of one kind.

        Raises:
            ValueError: when there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no kind of request: {kind}; there are {', '.join(KINDS)}")
        return sum(kind_of_request(*request) == kind for request in self.requests)
