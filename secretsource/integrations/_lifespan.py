"""The lifespan of an ASGI application: secrets are read before the first request, and connections closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, overload

from secretsource import InvalidReference, Store, default_store, secret

__all__ = ["checked_names", "secrets_lifespan"]

A = TypeVar("A")
S = TypeVar("S")


@overload
def secrets_lifespan(
    names: Iterable[str], lifespan: None = ..., *, store: Store | None = ..., timeout: float | None = ...
) -> Callable[[object], AbstractAsyncContextManager[None]]: ...


@overload
def secrets_lifespan(
    names: Iterable[str],
    lifespan: Callable[[A], AbstractAsyncContextManager[S]],
    *,
    store: Store | None = ...,
    timeout: float | None = ...,
) -> Callable[[A], AbstractAsyncContextManager[S]]: ...


def secrets_lifespan(
    names: Iterable[str],
    lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
    *,
    store: Store | None = None,
    timeout: float | None = None,
) -> Callable[[Any], AbstractAsyncContextManager[Any]]:
    """Return a lifespan that reads secrets before the first request, and closes the store after the last one.

    If one of them has no value the application does not start, and the server's log says why. At the end the store's
    connections are closed and its leases given back; whoever reads later begins anew.

    Args:
        names: Names or references. They are read side by side, and are in the cache then.
        lifespan: The application's own. It begins after the secrets are there, and ends before the store is closed.
            What it yields becomes ``request.state`` as always.
        store: Where they are read; `None` for the process-wide store of the moment.
        timeout: Seconds for all of them; `None` for the store's.

    Returns:
        What ``lifespan=`` of the application takes. It raises the `SecretSourceError` of the first name that has no
        value; the notes of the error name the others.

    Raises:
        InvalidReference: A name breaks the grammar, or *names* is a single name.
    """
    wanted = checked_names(names)

    @asynccontextmanager
    async def around(app: Any) -> AsyncIterator[Any]:
        reader = _used(store)
        try:
            await reader.aget_many(wanted, timeout=timeout)
            if lifespan is None:
                yield None
            else:
                async with lifespan(app) as state:
                    yield state
        finally:
            # To give a lease back is I/O, and another application may still use this loop.
            await asyncio.to_thread(_used(store).close)

    return around


def _used(store: Store | None) -> Store:
    return default_store() if store is None else store


def checked_names(names: Iterable[str]) -> list[str]:
    """Return *names* as a list.

    Raises:
        InvalidReference: One of them breaks the grammar, or *names* is a single name.
    """
    if isinstance(names, str):
        raise InvalidReference(f"pass a list of names, not the single name {names!r}")
    return [secret(name).name for name in names]
