"""A database user whose login is rotated, and the place where secretsource reads it."""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from secretsource import Store
from secretsource.testing import MemoryResolver
from tests.servers._process import LOOPBACK
from tests.servers.postgres import Postgres

PASSWORD, USER = "db/primary/password", "db/primary/user"
_numbers = itertools.count(1)


class Login:
    """A user of a server, and a store that reads its name and its password.

    Attributes:
        user: The name of the user of now.
        users: All of them.
    """

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.memory = MemoryResolver()
        self.store = Store([self.memory])
        self.users: list[str] = []
        self.passwords: list[str] = []
        self.next_user()

    @property
    def user(self) -> str:
        return self.users[-1]

    @property
    def conninfo(self) -> str:
        """Where it is, without a user."""
        return f"host={LOOPBACK} port={self.server.port} dbname=postgres"

    @property
    def address(self) -> str:
        """Where it is, as a URL without its scheme."""
        return f"{LOOPBACK}:{self.server.port}/postgres"

    def next_user(self) -> None:
        """Rotate to another user, as Vault does; the one before lives on."""
        name = f"shop_{next(_numbers)}"
        password = self.server.create_user(name)
        self.users.append(name)
        self._keep(password)

    def rotate(self, *, later: float = 0.0) -> None:
        """Change the password at the database, and after some seconds in the place where it is read."""
        password = self.server.change_password(self.user)
        self.passwords.append(password)
        if later:
            threading.Timer(later, self._keep, [password]).start()
        else:
            self._keep(password)

    def spoil(self) -> None:
        """Change the password at the database and nowhere else: the one that is read stays wrong."""
        self.passwords.append(self.server.change_password(self.user))

    def notice(self) -> None:
        """Let the store find out at once what it would within the ttl."""
        self.store.get(PASSWORD, refresh=True)

    def _keep(self, password: str) -> None:
        self.passwords.append(password)
        self.memory.put("db/primary", {"user": self.user, "password": password})

    def assert_not_in(self, text: str) -> None:
        """Hold that *text* shows none of the passwords."""
        shown = [each for each in self.passwords if each in text]
        assert not shown, "a password is shown"  # pytest would show it otherwise


@contextmanager
def rotating(login: Login) -> Iterator[None]:
    """Rotate the password while the block runs, at the database first, and end every connection twice."""

    def rotate() -> None:
        time.sleep(0.5)
        login.rotate(later=0.4)
        login.server.end_connections(login.user)
        time.sleep(0.7)
        login.server.end_connections(login.user)

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def locals_of(error: BaseException) -> str:
    """Return every local variable in the tracebacks of an exception and those behind it, as error trackers do.

    The frames of the tests themselves are left out.
    """
    shown: list[str] = []
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        left += [each.__cause__, each.__context__]
        shown += [str(each), repr(each), *getattr(each, "__notes__", [])]
        shown += [_shown(frame) for frame, _ in traceback.walk_tb(each.__traceback__)]
    return "\n".join(shown)


def _shown(frame: FrameType) -> str:
    if "/tests/" in frame.f_code.co_filename:
        return ""
    return "\n".join(
        f"{frame.f_code.co_qualname}.{name} = {value!r}" for name, value in frame.f_locals.items()
    )


def raised(call: Callable[[], object]) -> Exception:
    """Return what *call* raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is the result
        return error
    raise AssertionError("nothing was raised")
