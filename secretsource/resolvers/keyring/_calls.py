"""Calls to the key store: one at a time, each on a thread that may be left behind, as a question to the user hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from secretsource._deadline import Deadline
from secretsource._masked import MaskedStr
from secretsource.errors import Reason
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._put import NO_TEXT, is_text
from secretsource.resolvers.keyring._failure import Failure, failure_of
from secretsource.resolvers.keyring._trusted import WINDOWS

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["LARGEST", "Calls"]

T = TypeVar("T")

LARGEST = 1_048_576  # bytes of a value
_LARGEST_ON_WINDOWS = 2560  # bytes of UTF-16
_LATE = "the key store has not answered: does it wait for its password?"


class Calls:
    """The calls of one process.

    While one hangs, the others wait for their turn, each until its deadline: so one thread at most is left behind.
    """

    def __init__(self, backend: str | None) -> None:
        """Remember which class the setting names; nothing is asked yet."""
        self._backend = backend
        self._turn = threading.Lock()

    def names(self, deadline: Deadline) -> list[str] | Failure:
        """Return the classes that would be asked."""
        return self._within(deadline, self._names)

    def read(self, service: str, user: str, deadline: Deadline) -> MaskedStr | Failure | None:
        """Return the value, `None` if no store has it, or why it cannot be read."""
        return self._within(deadline, lambda: self._read(service, user))

    def write(self, service: str, user: str, value: MaskedStr, deadline: Deadline) -> Failure | None:
        """Store the value; return why that cannot be done, if so."""
        return self._within(deadline, lambda: self._write(service, user, value))

    def _names(self) -> list[str] | Failure:
        from secretsource.resolvers.keyring._stores import class_of

        found = self._stores()
        return found if isinstance(found, Failure) else [class_of(each) for each in found]

    def _read(self, service: str, user: str) -> MaskedStr | Failure | None:
        found = self._stores()
        if isinstance(found, Failure):
            return found
        for store in found:
            said = _asked(store, service, user)
            if said is not None:
                return said
        return None

    def _write(self, service: str, user: str, value: MaskedStr) -> Failure | None:
        found = self._stores()
        if isinstance(found, Failure):
            return found
        if why := _why_not(value, type(found[0]).__module__):
            return Failure(detail=why, of_value=True)
        try:
            found[0].set_password(service, user, value.reveal())
        except Exception as error:  # noqa: BLE001 - whatever a key store raises, its frames hold the value
            return failure_of(error, type(found[0]).__module__)
        return None

    def _stores(self) -> list[KeyringBackend] | Failure:
        from secretsource.resolvers.keyring._stores import stores

        return stores(self._backend)

    def _within(self, deadline: Deadline, work: Callable[[], T | Failure]) -> T | Failure:
        """Return what *work* returns, unless the deadline is over before."""
        late = Failure(reason=Reason.TIMEOUT, detail=_LATE)
        if deadline.expired:
            return late
        said: list[T | Failure] = []
        ended = threading.Event()

        def run() -> None:
            # Here and not where it is waited for: Ctrl-C there would leave the lock held.
            if self._turn.acquire(timeout=deadline.remaining):
                try:
                    said.append(work())
                except BaseException as error:  # noqa: BLE001 - nobody is above this but a hook that shows the frames
                    said.append(failure_of(error))
                finally:
                    self._turn.release()
            ended.set()

        try:
            threading.Thread(target=run, name="secretsource-keyring", daemon=True).start()
        except RuntimeError:
            return Failure(reason=Reason.SERVER, detail="no thread can be had while the interpreter ends")
        while not ended.wait(deadline.remaining) and not deadline.expired:
            pass
        return said[0] if said else late


def _asked(store: KeyringBackend, service: str, user: str) -> MaskedStr | Failure | None:
    try:
        said: object = store.get_password(service, user)
        said = MaskedStr(said) if isinstance(said, str) else said
    except Exception as error:  # noqa: BLE001 - whatever a key store raises, its frames hold the value
        return failure_of(error, type(store).__module__)
    if said is None or isinstance(said, MaskedStr):
        return said
    return Failure(
        reason=Reason.BROKEN, detail=f"the key store answered {type(said).__name__}, which is no text"
    )


def _why_not(value: MaskedStr, module: str) -> str:
    """Return why a store cannot hold *value*, or an empty text."""
    if "\0" in value:
        return "it has a null character"
    if not is_text(value):
        return f"it has {NO_TEXT}"
    if is_larger(value, LARGEST):
        return f"it has more than {LARGEST:,} bytes"
    if module == WINDOWS and len(value.encode("utf-16-le")) > _LARGEST_ON_WINDOWS:
        return f"the Windows Credential Locker takes {_LARGEST_ON_WINDOWS:,} bytes, two for most characters"
    return ""
