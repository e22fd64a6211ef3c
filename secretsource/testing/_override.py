"""Values in the place of the process-wide store, for the time of a test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from secretsource import _default
from secretsource._chain import Link
from secretsource._places import Places
from secretsource._store import Store
from secretsource.testing._memory import MemoryResolver, Values

if TYPE_CHECKING:
    from types import TracebackType

    from secretsource._reference import Reference

__all__ = ["Overrides", "override"]

P = ParamSpec("P")
R = TypeVar("R")


class Overrides(MemoryResolver):
    """What answers every name and every reference while an `override` is active. Call it to add values."""

    def __init__(self) -> None:
        """Start without values."""
        super().__init__(name="override")

    def __call__(self, values: Values) -> None:
        """Put *values*, by name or reference, beside those that are there."""
        for name, value in values.items():
            self.put(name, value)

    @property
    def local(self) -> bool:
        """Whether readers ask it in their own thread: unless it is slow, where deadlines have to hold."""
        return self._gate is None and not self.delay

    def _address(self, reference: Reference, text: str) -> str:  # noqa: ARG002
        return f"{reference.scheme}://{reference.path}"


class _Places(Places):
    """Places where references to any resolver are asked of the only link."""

    def _named(self, reference: str) -> Link:  # noqa: ARG002
        return self.chain[0]


class _Store(Store):
    """The store of an override."""

    _places_type = _Places


class override:  # noqa: N801 - used like a function
    """Let the process-wide store answer *values* from memory, and nothing else, for the time of a ``with`` block.

    Every name and reference that is not among them is `SecretNotFound`: no backend is asked. An override inside
    another adds to it. In the end the store from before is there again as it was, unclosed. Changes that code makes
    meanwhile with `configure` end there too. A `Store` that code holds itself is not touched.

        with override({"pepipost/api_key": "test"}) as overrides:
            overrides.deny("stripe_key")

    As a decorator it does the same for each call of a function or coroutine function.

    Args:
        values: Values by name or reference; a mapping is all fields of a document.
    """

    def __init__(self, values: Values | None = None) -> None:
        self._values: Values = {} if values is None else dict(values)
        self._previous: list[Store | None] = []

    def __enter__(self) -> Overrides:
        """Put the store in place, and return the resolver that answers."""
        outer = _default._default.store
        overrides = Overrides()
        if isinstance(outer, _Store):
            overrides._adopt(cast(Overrides, outer.chain[0].resolver))
        overrides(self._values)
        # Nothing is kept, so that what a test changes counts from the next read.
        store = _Store(
            [overrides],
            ttl=0,
            max_stale=0,
            negative_ttl=0,
            references="anywhere" if outer is None else outer.references,
        )
        self._previous.append(_default.replace_default_store(store))
        return overrides

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the store from before back."""
        ended = _default.replace_default_store(self._previous.pop())
        if ended is not None:
            ended.close()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return *function*, with the values in place during each call."""
        import inspect  # noqa: PLC0415 - not needed for blocks

        if (
            isinstance(function, type)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            raise TypeError(
                "override decorates functions and coroutine functions; use a with block in this one"
            )
        if inspect.iscoroutinefunction(function):
            return cast(Callable[P, R], self._around_coroutine(function))

        @wraps(function)
        def around(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)(self._values):
                return function(*args, **kwargs)

        return around

    def _around_coroutine(
        self, function: Callable[P, Coroutine[object, object, R]]
    ) -> Callable[P, Coroutine[object, object, R]]:
        @wraps(function)
        async def around(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)(self._values):
                return await function(*args, **kwargs)

        return around

    def __repr__(self) -> str:
        """Return the names, no value."""
        return f"override({sorted(self._values)})"
