"""Puts an answer on the wire, whole or, for a fault, not."""

from dataclasses import dataclass
from io import BufferedIOBase
from threading import Event

from .messages import Reply
from .replies import reason


@dataclass(frozen=True, slots=True)
class Wire:
    """The way back to one client.

    Attributes:
        method: of the request; the answer to a HEAD has no body.
        stopped: set when the server stops; no wait outlives it.
    """

    stream: BufferedIOBase
    stopped: Event
    method: str

    def send(self, reply: Reply) -> bool:
        """Send a whole answer; say whether the connection goes on."""
        self.stream.write(self._head(reply, len(reply.body)) + self._body(reply))
        return True

    def send_truncated(self, reply: Reply) -> bool:
        """Announce more than is sent."""
        self.stream.write(self._head(reply, len(reply.body) + 10) + self._body(reply))
        return False

    def send_slowly(self, reply: Reply) -> bool:
        """Send the head, then one byte of the body each second."""
        self.stream.write(self._head(reply, len(reply.body)))
        for byte in self._body(reply):
            if self.stopped.wait(1.0):
                return False
            self.stream.write(bytes([byte]))
        return True

    def hang(self) -> bool:
        """Send nothing until the server stops."""
        self.stopped.wait()
        return False

    def _body(self, reply: Reply) -> bytes:
        return b"" if self.method == "HEAD" else reply.body

    def _head(self, reply: Reply, length: int) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} {reason(reply.status)}"]
        lines.extend(f"{name}: {content}" for name, content in reply.headers)
        if reply.status != 204:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
