"""Reading several secrets of which some may not be there."""

from __future__ import annotations

from collections.abc import Iterable

from secretsource import Secret, SecretNotFound, Store

__all__ = ["present"]


def present(
    store: Store, names: Iterable[str], *, refresh: bool = False, timeout: float | None = None
) -> dict[str, Secret | SecretNotFound]:
    """Return what each of *names* is, or the error that says where it was looked for; all are asked for in one round.

    Args:
        store: Where to read.
        names: Names or references.
        refresh: Ask the backends, whatever is cached.
        timeout: Seconds for the round; `None` for the store's.

    Raises:
        SecretSourceError: As `Store.get`, but for `SecretNotFound`.
    """
    wanted = list(dict.fromkeys(names))
    try:
        return dict(store.get_many(wanted, refresh=refresh, timeout=timeout))
    except SecretNotFound:
        pass  # one of them is not there: told apart below, from the cache
    return {name: _looked_up(store, name, timeout) for name in wanted}


def _looked_up(store: Store, name: str, timeout: float | None) -> Secret | SecretNotFound:
    try:
        return store.get(name, timeout=timeout)
    except SecretNotFound as error:
        return error
