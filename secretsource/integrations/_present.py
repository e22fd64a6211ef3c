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
    missing: dict[str, SecretNotFound] = {}
    while True:
        rest = [name for name in wanted if name not in missing]
        try:
            found = store.get_many(rest, refresh=refresh, timeout=timeout)
        except SecretNotFound as error:
            missing[error.name] = error
        else:
            return {name: missing.get(name) or found[name] for name in wanted}
        # Told apart from the cache. The others are read once more in one round, so that those of one document are of
        # one version.
        refresh = False
        for name in rest:
            if name not in missing and isinstance(said := _looked_up(store, name, timeout), SecretNotFound):
                missing[name] = said


def _looked_up(store: Store, name: str, timeout: float | None) -> Secret | SecretNotFound:
    try:
        return store.get(name, timeout=timeout)
    except SecretNotFound as error:
        return error
