"""The stand-in as the tests use it: an account behind a server on loopback."""

import ssl
from pathlib import Path
from threading import Thread
from typing import Self

from .account import Account
from .faults import Faults
from .listener import Listener
from .messages import Reply, Request
from .router import answer
from .seen import Seen, kind_of_request
from .wire import Wire

POLICY = Path(__file__).parents[2] / "data" / "conjur" / "policy.yml"


class ConjurServer(Account):
    """A Conjur server with one account.

    Args:
        account: the name of the account.
        policy: what it holds, as YAML; by default the policy in `tests/data/conjur`, with its JWT
            authenticator switched on. No variable has a value.
        ssl_context: for https.
        token_life: how long new tokens live, in whole seconds.

    Attributes:
        delay: seconds to wait before each answer.
        problems: exceptions nobody expected; a client that left is none.
    """

    def __init__(
        self,
        account: str = "demo",
        policy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        token_life: float = 480.0,
    ) -> None:
        text = POLICY.read_text(encoding="utf-8") if policy is None else policy
        super().__init__(account, text, token_life)
        if policy is None:
            self.enable_jwt("ci")
        self.delay = 0.0
        self.problems: list[BaseException] = []
        self._ssl_context = ssl_context
        self._faults = Faults()
        self._seen = Seen()
        self._port = 0
        self._listener: Listener | None = None
        self._thread: Thread | None = None

    # Running

    def start(self) -> Self:
        """Listen on a free port; on the same one again after a `stop`."""
        if self._listener is None:
            listener = Listener(self._port, self._ssl_context, self._respond)
            listener.connected, listener.failed = self._seen.note_connection, self.problems.append
            self._port = listener.server_address[1]
            self._thread = Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
            self._thread.start()
            self._listener = listener
        return self

    def stop(self) -> None:
        """Close the port and every connection; the state stays."""
        if self._listener is not None and self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._listener.server_close()
            self._listener.hang_up()
            self._listener = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._ssl_context else 'http'}://127.0.0.1:{self._port}"

    # Watching

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The requests so far: method and target, as sent."""
        return self._seen.requests

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return self._seen.connections

    def count(self, kind: str) -> int:
        """Count requests: `authenticate`, `login`, `read`, `batch`, `set`, `list` or `policy`."""
        return self._seen.count(kind)

    def reset_requests(self) -> None:
        """Forget the requests so far; connections stay counted."""
        self._seen.reset()

    # Going wrong

    def fault(self, kind: str, times: int = 1, match: str | None = None) -> None:
        """Let requests to come be answered wrongly.

        Args:
            kind: `html200` (an error page with status 200), `204`, `empty404`, `login-not-a-token`,
                `truncated` (less than announced, then closed), `drip` (a byte a second), `hang` (nothing
                until the server stops), `close` (closed without an answer), `status:503`,
                `status:429:Retry-After=1` or `redirect:307:https://elsewhere/`.
            times: how many requests.
            match: which requests, by a kind as in `count`; by default any.
        """
        self._faults.order(kind, times, match)

    def clear_faults(self) -> None:
        """Forget the faults that are not used up."""
        self._faults.clear()

    def _respond(self, target: str, request: Request, wire: Wire) -> bool:
        self._seen.note_request(wire.method, target)
        sender = self._faults.take(kind_of_request(wire.method, target))
        if self.delay:
            wire.stopped.wait(self.delay)

        def right() -> Reply:
            with self.world.lock:
                return answer(self.world, request)

        return sender(wire, right) if sender else wire.send(right())
