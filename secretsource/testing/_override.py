"""Values in the place of the process-wide store, for the time of a test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast, overload

from secretsource import _default
from secretsource.testing._in_place import Overrides, OverrideStore

if TYPE_CHECKING:
    from types import TracebackType
    from unittest import TestCase

    from secretsource._store import Store
    from secretsource.testing._memory import Values

__all__ = ["Overrides", "override"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="type[TestCase]")

_OF_CLASS = "_secretsource_overrides"


class override:  # noqa: N801 - used like a function
    """Let the process-wide store answer *values* from memory, and nothing else, for the time of a ``with`` block.

    Every name and reference that is not among them is `SecretNotFound`: no backend is asked. An override inside
    another adds to it. In the end the store from before is there again as it was, unclosed. Changes that code makes
    meanwhile with `configure` end there too. A `Store` that code holds itself is not touched.

        with override({"pepipost/api_key": "test"}) as overrides:
            overrides.deny("stripe_key")

    As a decorator it does the same for each call of a function or coroutine function, and for each test of a class
    that is a `unittest.TestCase`, from before ``setUp`` to after the last clean-up.

    Args:
        values: Values by name or reference; a mapping is all fields of a document.
    """

    def __init__(self, values: Values | None = None) -> None:
        self._values: Values = {} if values is None else dict(values)
        self._previous: list[tuple[Store | None, Overrides]] = []

    def __enter__(self) -> Overrides:
        """Put the store in place, and return the resolver that answers."""
        outer = _default._default.store
        overrides = Overrides()
        if isinstance(outer, OverrideStore):
            overrides._adopt(outer.overrides)
        overrides(self._values)
        store = OverrideStore(overrides, references="anywhere" if outer is None else outer.references)
        self._previous.append((_default.replace_default_store(store), overrides))
        return overrides

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the store from before back."""
        previous, overrides = self._previous.pop()
        ended = _default.replace_default_store(previous)
        overrides._end()
        if ended is not None:
            ended.close()

    @overload
    def __call__(self, function: C) -> C: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> Callable[P, R]: ...

    def __call__(self, function: Callable[P, R] | type[TestCase]) -> Callable[P, R] | type[TestCase]:
        """Return *function*, with the values in place during each call; of a class, during each test.

        Raises:
            TypeError: It is a generator function, which would run after the override, or a class of another kind.
        """
        import inspect  # noqa: PLC0415 - not needed for blocks

        if isinstance(function, type):
            if not _is_test_case(function):
                raise TypeError(
                    f"override decorates functions and subclasses of unittest.TestCase, and {function.__name__} is "
                    "neither; mark it with @pytest.mark.secrets, or use a with block"
                )
            return self._around_tests(cast("type[TestCase]", function))
        if (
            not callable(function)
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

    def _around_tests(self, tests: type[TestCase]) -> type[TestCase]:
        # The decorators of a class stand as nested blocks would, and those of its bases around them.
        own: tuple[Values, ...] = vars(tests).get(_OF_CLASS, ())
        setattr(tests, _OF_CLASS, (self._values, *own))
        if not any(_OF_CLASS in vars(base) for base in tests.__mro__[1:]) and not own:
            for method in ("run", "debug"):
                setattr(tests, method, _with_overrides(getattr(tests, method)))
        return tests

    def __repr__(self) -> str:
        """Return the names, no value."""
        return f"override({sorted(self._values)})"


def _is_test_case(kind: type) -> bool:
    """Whether *kind* is a `unittest.TestCase`; whoever has one has imported that."""
    return any((base.__module__, base.__name__) == ("unittest.case", "TestCase") for base in kind.__mro__)


def _with_overrides(method: Callable[P, R]) -> Callable[P, R]:
    """Return the method that runs one test, with what decorates the class of the test in place."""

    @wraps(method)
    def around(*args: P.args, **kwargs: P.kwargs) -> R:
        with override() as overrides:
            for base in reversed(type(args[0]).__mro__):
                for values in vars(base).get(_OF_CLASS, ()):
                    overrides(values)
            return method(*args, **kwargs)

    return around
