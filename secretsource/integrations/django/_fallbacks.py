"""Keys from before, for ``SECRET_KEY_FALLBACKS``: as many of them as there are now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

from secretsource import default_store
from secretsource.integrations._text import text_of
from secretsource.integrations.django._lazy import LazySecret, secret

if TYPE_CHECKING:
    from secretsource import Store

__all__ = ["Fallbacks", "fallbacks"]


class Fallbacks(list[str | LazySecret]):
    """What `fallbacks` returns: a `list`, as Django demands, that leaves out what is not there when it is iterated."""

    @property
    def secrets(self) -> tuple[str | LazySecret, ...]:
        """All that is in it, also secrets that are not there."""
        return tuple(super().__iter__())

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Be copied and pickled as names; a list would be as what is iterated."""
        return type(self), (list(self.secrets),)

    def __iter__(self) -> Iterator[str | LazySecret]:
        """Return the values of now.

        Raises:
            SecretSourceError: As `secretsource.get_secret`, but for `SecretNotFound`.
            InvalidValue: One is binary.
        """
        for each in self.secrets:
            if not isinstance(each, LazySecret):
                yield each
                continue
            store = default_store() if each.store is None else each.store
            found = store.get(each.name, default=None)
            if found is not None and (value := text_of(found)):  # everybody could sign with an empty key
                yield value


def fallbacks(*names: str, store: Store | None = None) -> Fallbacks:
    """Return the keys of *names* that are there, for ``SECRET_KEY_FALLBACKS``; read whenever they are used.

    A name that is not there, or has an empty value, is left out. On an error it is not: the error is raised.

    Args:
        *names: Names or references. To log nobody out, let one be of the key before and one of the key to come: both
            must be known to every process before ``SECRET_KEY`` changes.
        store: Where they are read; `None` for the process-wide store of the moment.

    Raises:
        InvalidReference: A name breaks the grammar.
    """
    return Fallbacks([secret(name, store=store) for name in names])
