"""FastAPI: secrets as dependencies, a lifespan that reads them first, and what clients are told of an outage."""

from __future__ import annotations

from typing import Any

from secretsource import MaskedStr, Store, default_store, secret
from secretsource.integrations._lifespan import secrets_lifespan
from secretsource.integrations._needs import needs
from secretsource.integrations._text import text_of

with needs("FastAPI", extra="fastapi"):
    from fastapi import Depends

    from secretsource.integrations._unavailable import backend_unavailable

__all__ = ["FromSecret", "backend_unavailable", "secrets_lifespan"]


class _Reader:
    """The dependency. Two for the same name and store are equal, so that it is read once in a request."""

    __slots__ = ("_store", "name")

    def __init__(self, name: str, store: Store | None) -> None:
        self.name = name
        self._store = store

    async def __call__(self) -> MaskedStr:
        """Return the value of now."""
        store = default_store() if self._store is None else self._store
        return text_of(await store.aget(self.name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reader) and self.name == other.name and self._store is other._store

    def __hash__(self) -> int:
        return hash((_Reader, self.name, id(self._store)))

    def __repr__(self) -> str:
        return f"FromSecret({self.name!r})"


def FromSecret(name: str, *, store: Store | None = None) -> Any:  # noqa: N802 - like FastAPI's own Depends
    """Return a dependency whose value is that of a secret.

        async def send(key: Annotated[str, FromSecret("pepipost/api_key")]): ...

    It is read for each request, from the cache as a rule; it never blocks the event loop, and a cached read needs no
    thread. Within one request it has one value. It is no parameter of the endpoint: neither clients nor the OpenAPI
    schema see it. In the tests of an application use `secretsource.testing.override`, or
    ``app.dependency_overrides[FromSecret("pepipost/api_key").dependency]``.

    Args:
        name: A name or a reference.
        store: Where it is read; `None` for the process-wide store of the moment.

    Returns:
        What FastAPI's ``Depends`` returns. A read that fails raises what `Store.get` raises, before the endpoint is
        called; a binary secret is an `InvalidValue`.

    Raises:
        InvalidReference: The name breaks the grammar.
    """
    return Depends(_Reader(secret(name).name, store))
