"""Using a secret that may have been rotated: if it is refused, once more with the value of now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from secretsource._deadline import is_seconds
from secretsource._resolved import are_same
from secretsource._secret import Secret
from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    from types import TracebackType

    from secretsource._store import Store

__all__ = ["Attempt", "Attempts", "On", "check_wait"]

V = TypeVar("V")

On: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]

_MOST = 2
_WITHOUT_WITH = "use each attempt in a with block: with attempt as value: ..."


class Attempts(Generic[V]):
    """A loop of ``with`` blocks: at most two, the second one only with another value than the first.

    Iterate with ``for`` and ``with``, or with ``async for`` and ``async with``.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        on: On,
        wait: float,
        timeout: float | None,
        view: Callable[[Secret], V],
    ) -> None:
        """Remember what to do; nothing is read before the first block.

        Args:
            store: Where the secret is read.
            name: Its name.
            on: Which exceptions of a block mean that the secret was refused.
            wait: Seconds to wait for another value.
            timeout: Seconds for each read; `None` for the store's.
            view: What the blocks get of the secret.

        Raises:
            TypeError: *on* is neither exceptions nor a function.
            ValueError: *wait* is no number of seconds.
        """
        check_wait(wait)
        kinds = on if isinstance(on, tuple) else (on,) if isinstance(on, type) else None
        if not (callable(on) if kinds is None else kinds and all(map(_is_kind, kinds))):
            raise TypeError(
                "on must be a subclass of Exception, a tuple of them, or a function of the exception, "
                f"not {on.__name__ if isinstance(on, type) else type(on).__name__}"
            )
        self._store = store
        self._name = name
        self._on = on
        self._wait = wait
        self._timeout = timeout
        self._view = view

    def __iter__(self) -> Iterator[Attempt[V]]:
        """Return the attempts, for ``with``."""
        yield from self._attempts(self._store.get(self._name, timeout=self._timeout))

    async def __aiter__(self) -> AsyncIterator[Attempt[V]]:
        """Return the attempts, for ``async with``."""
        for attempt in self._attempts(await self._store.aget(self._name, timeout=self._timeout)):
            yield attempt

    def _attempts(self, secret: Secret | None) -> Iterator[Attempt[V]]:
        for number in range(1, _MOST + 1):
            if secret is None:
                return
            attempt = Attempt(
                self._store,
                secret,
                number=number,
                refuses=self._refuses,
                wait=self._wait,
                timeout=self._timeout,
                view=self._view,
            )
            yield attempt
            secret = attempt.following()

    def _refuses(self, error: Exception) -> bool:
        on = self._on
        return isinstance(error, on) if isinstance(on, tuple | type) else on(error)


def check_wait(wait: object) -> None:
    """Check that *wait* is a number of seconds.

    Raises:
        ValueError: It is not.
    """
    if not is_seconds(wait):
        raise ValueError(f"wait must be 0 seconds or more, not {wait!r}")


def _is_kind(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


class Attempt(Generic[V]):
    """One block. Its value is what ``with … as`` gives.

    Attributes:
        number: 1 or 2.
    """

    def __init__(
        self,
        store: Store,
        secret: Secret,
        *,
        number: int,
        refuses: Callable[[Exception], bool],
        wait: float,
        timeout: float | None,
        view: Callable[[Secret], V],
    ) -> None:
        """Make the block for one value; `Attempts` does."""
        self._store = store
        self._secret = secret
        self._refuses = refuses
        self._wait = wait
        self._timeout = timeout
        self._view = view
        self._rejected = False
        self._entered = False
        self._following: Secret | None = None
        self.number = number

    def reject(self) -> None:
        """Say that the secret was refused, where no exception does: an answer with the status 401, for example.

        If there is another value, the loop goes on with it after the block, whatever the block raises then; else it
        ends, and what the block has left behind or raised is the result.
        """
        self._rejected = True

    def following(self) -> Secret | None:
        """Return the secret of the next attempt, if there is to be one.

        Raises:
            RuntimeError: The attempt was not used in a ``with`` block.
        """
        if not self._entered:
            raise RuntimeError(_WITHOUT_WITH)
        return self._following

    def __enter__(self) -> V:
        """Return the value."""
        self._entered = True
        return self._view(self._secret)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Ask for another value if this one was refused; whether there is one, and so the exception is no more."""
        if not self._was_refused(error):
            return False
        try:
            return self._take(self._store.reject(self._secret, wait=self._wait, timeout=self._timeout))
        except SecretSourceError as failure:
            _note(error, failure)
            return False

    async def __aenter__(self) -> V:
        """Return the value."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Do what ``__exit__`` does without blocking the event loop."""
        if not self._was_refused(error):
            return False
        try:
            return self._take(await self._store.areject(self._secret, wait=self._wait, timeout=self._timeout))
        except SecretSourceError as failure:
            _note(error, failure)
            return False

    def _was_refused(self, error: BaseException | None) -> bool:
        if error is not None and not isinstance(error, Exception):
            return False  # Ctrl-C and the like are nobody's refusal
        return self._rejected or (error is not None and self._refuses(error))

    def _take(self, newer: Secret) -> bool:
        if self.number >= _MOST or are_same(newer, self._secret):
            return False
        self._following = newer
        return True

    def __str__(self) -> str:
        """Refuse: an f-string with the attempt in the place of its value would be sent as a key.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(_WITHOUT_WITH)

    def __repr__(self) -> str:
        """Return the name and the number, no value."""
        return f"Attempt({self.number} with {self._secret.name!r})"


def _note(error: BaseException | None, failure: SecretSourceError) -> None:
    if error is not None:
        error.add_note(f"the secret was refused, and there is no other: {type(failure).__name__}: {failure}")
