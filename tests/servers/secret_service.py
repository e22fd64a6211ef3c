"""A small Secret Service on a D-Bus of its own, in the place of GNOME Keyring: keyring's own client talks to it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from jeepney import HeaderFields, Message, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection
from jeepney.wrappers import DBusAddress

from tests.servers._process import Process

__all__ = ["DAEMON", "SecretService"]

DAEMON = shutil.which("dbus-daemon")

_ROOT = "/org/freedesktop/secrets"
_PREFIX = "org.freedesktop.Secret."
_PROMPT = f"{_ROOT}/prompt/1"
_SESSION = f"{_ROOT}/session/1"
_NOT_SUPPORTED = "org.freedesktop.DBus.Error.NotSupported"


class SecretService:
    """Start the bus and the service on it.

    Attributes:
        locked: Whether the collection is locked.
        dismissed: What comes of a question to the user: it is dismissed, answered, or `None`, open until `answer`.
        items: What is stored: attributes and secret of each item.
    """

    def __init__(self) -> None:
        assert DAEMON is not None
        self.locked = False
        self.dismissed: bool | None = None
        self.items: list[tuple[dict[str, str], bytes]] = []
        self.asked = threading.Event()
        self._folder = tempfile.mkdtemp(prefix="bus")
        socket = Path(self._folder) / "bus"
        self.address = f"unix:path={socket}"
        self._process = Process([DAEMON, "--session", "--nofork", "--nopidfile", f"--address={self.address}"])
        self._process.wait_until(socket.exists)
        self._connection = open_dbus_connection(self.address)
        Proxy(message_bus, self._connection).RequestName("org.freedesktop.secrets")
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def add(self, service: str, user: str, secret: bytes) -> None:
        """Store an item as another program would."""
        self.items.append(({"service": service, "username": user}, secret))

    def answer(self, *, dismissed: bool) -> None:
        """Answer the question that is open."""
        self.locked = dismissed
        self._tell(dismissed=dismissed)

    def stop(self) -> None:
        """End service and bus. Safe to call twice."""
        if not self._ended:
            self._ended = True
            self._process.stop()
            self._thread.join(5)
            self._connection.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while not self._ended:
            try:
                message = self._connection.receive(timeout=0.2)
            except TimeoutError:
                continue
            except (OSError, EOFError):
                return
            if message.header.message_type == MessageType.method_call:
                self._connection.send(self._reply(message))
                self._ask_the_user(message)

    def _reply(self, message: Message) -> Message:
        fields = message.header.fields
        member, path = fields[HeaderFields.member], fields[HeaderFields.path]
        handler = getattr(self, f"_on_{member}", None)
        if handler is None:
            return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
        said = handler(path, *message.body)
        return new_error(message, said) if isinstance(said, str) else new_method_return(message, *said)

    def _on_OpenSession(self, _path: str, algorithm: str, _input: object) -> Any:  # noqa: N802
        if algorithm != "plain":  # the client then does without encryption on the bus
            return _NOT_SUPPORTED
        return "vo", (("s", ""), _SESSION)

    def _on_Get(self, path: str, _interface: str, name: str) -> Any:  # noqa: N802
        if name == "Attributes":
            return "v", (("a{ss}", self.items[_number(path)][0]),)
        return "v", (("b", self.locked) if name == "Locked" else ("s", "label"),)

    def _on_Unlock(self, _path: str, objects: list[str]) -> Any:  # noqa: N802
        return ("aoo", ([], _PROMPT)) if self.locked else ("aoo", (objects, "/"))

    def _on_Prompt(self, _path: str, _window: str) -> Any:  # noqa: N802
        return "", ()

    def _on_SearchItems(self, _path: str, wanted: dict[str, str]) -> Any:  # noqa: N802
        found = [
            f"{_ROOT}/collection/login/{at}"
            for at, (attributes, _) in enumerate(self.items)
            if wanted.items() <= attributes.items()
        ]
        return "ao", (found,)

    def _on_CreateItem(self, _path: str, properties: dict[str, Any], secret: Any, _replace: bool) -> Any:  # noqa: N802
        attributes = dict(properties[f"{_PREFIX}Item.Attributes"][1])
        self.items = [item for item in self.items if item[0] != attributes]
        self.items.append((attributes, bytes(secret[2])))
        return "oo", (f"{_ROOT}/collection/login/{len(self.items) - 1}", "/")

    def _on_GetSecret(self, path: str, _session: str) -> Any:  # noqa: N802
        return "(oayays)", ((_SESSION, b"", self.items[_number(path)][1], "text/plain"),)

    def _ask_the_user(self, message: Message) -> None:
        if message.header.fields[HeaderFields.member] == "Prompt":
            self.asked.set()
            if self.dismissed is not None:
                self.answer(dismissed=self.dismissed)

    def _tell(self, *, dismissed: bool) -> None:
        prompt = DBusAddress(_PROMPT, interface=f"{_PREFIX}Prompt")
        self._connection.send(new_signal(prompt, "Completed", "bv", (dismissed, ("ao", []))))


def _number(path: str) -> int:
    return int(path.rpartition("/")[2])
