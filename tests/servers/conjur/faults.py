"""Wrong answers, ordered by a test for requests to come."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from .messages import Reply
from .replies import BASE64, REVALIDATE, TEXT, empty
from .seen import KINDS
from .wire import Wire

_WELCOME = base64.b64encode(b'{"welcome":"back"}')
_PAGE = b"<!DOCTYPE html><html><body><h1>Service under maintenance</h1></body></html>"

# Puts out something in place of the right answer, which it may ask for; says whether the connection goes on.
Sender = Callable[[Wire, Callable[[], Reply]], bool]


def _instead(reply: Reply) -> Sender:
    return lambda wire, _right: wire.send(reply)


_SENDERS: dict[str, Sender] = {
    "html200": _instead(Reply(200, (("Content-Type", "text/html; charset=utf-8"),), _PAGE)),
    "204": _instead(empty(204)),
    "empty404": _instead(Reply(404, (("Content-Type", "text/html; charset=utf-8"),))),
    "login-not-a-token": _instead(Reply(200, (BASE64, TEXT, REVALIDATE), _WELCOME)),
    "truncated": lambda wire, right: wire.send_truncated(right()),
    "drip": lambda wire, right: wire.send_slowly(right()),
    "hang": lambda wire, _right: wire.hang(),
    "close": lambda _wire, _right: False,
}


def sender_of(kind: str) -> Sender:
    """Return what puts out a fault.

    Args:
        kind: a name without parameters, or `status:CODE`, `status:CODE:Header=Value`, `redirect:CODE:URL`.

    Raises:
        ValueError: when there is no such kind.
    """
    name, _, rest = kind.partition(":")
    code, _, more = rest.partition(":")
    if name == "redirect" and code.isdigit() and more:
        return _instead(_plain(int(code), (("Location", more),)))
    if name == "status" and code.isdigit():
        header, equals, content = more.partition("=")
        return _instead(_plain(int(code), ((header, content),) if equals else ()))
    if kind not in _SENDERS:
        raise ValueError(f"no kind of fault: {kind}")
    return _SENDERS[kind]


def _plain(status: int, headers: tuple[tuple[str, str], ...]) -> Reply:
    return Reply(status, (("Content-Type", "text/html; charset=utf-8"), *headers))


@dataclass(slots=True)
class _Order:
    sender: Sender
    left: int
    match: str | None


class Faults:
    """The faults ordered and not yet used up, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: list[_Order] = []

    def order(self, kind: str, times: int, match: str | None) -> None:
        """Let the next *times* requests of the kind *match*, or of any kind, go wrong."""
        if match not in (None, *KINDS):
            raise ValueError(f"no kind of request: {match}")
        with self._lock:
            self._orders.append(_Order(sender_of(kind), times, match))

    def clear(self) -> None:
        """Forget what was ordered."""
        with self._lock:
            self._orders.clear()

    def take(self, kind_of_request: str) -> Sender | None:
        """Use up one fault for a request, if one is waiting for it."""
        with self._lock:
            for order in self._orders:
                if order.left > 0 and order.match in (None, kind_of_request):
                    order.left -= 1
                    return order.sender
        return None
