"""What the author of a resolver provides to the contract, and how its tests ask."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, TypeVar

from secretsource.resolvers import Answer, Deadline, Document, Location, NotThere, Resolver, SupportsClose
from secretsource.testing._contract.kept import Kept

if TYPE_CHECKING:
    import ssl

    from secretsource.testing._faulty import FaultyServer

__all__ = ["Hooks", "leave_out", "nobody", "only_if", "picked", "raised"]

E = TypeVar("E", bound=BaseException)
F = TypeVar("F")

_CONDITION = "_secretsource_only_if"


class Hooks:
    """The part of `ResolverContract` that a subclass fills in; it is described there."""

    timeout: ClassVar[float] = 10.0
    binary: ClassVar[bool] = True
    stores_nul: ClassVar[bool] = True
    stores_empty: ClassVar[bool] = True
    keeps_line_end: ClassVar[bool] = True
    documents: ClassVar[bool] = True
    versions: ClassVar[bool] = False
    batches: ClassVar[bool] = False
    own_404: ClassVar[bool] = True
    any_body: ClassVar[bool] = False
    fresh: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    checks: ClassVar[bool] = False
    policies: ClassVar[bool] = False

    def make_resolver(self) -> Resolver:
        """Return a new resolver, with connections of its own."""
        raise NotImplementedError("the contract needs make_resolver()")

    def put(self, name: str, value: str | bytes) -> None:
        """Store *value* where the resolver looks for *name*, beside other fields of its document."""
        raise NotImplementedError("the contract needs put(name, value)")

    def remove(self, name: str) -> None:
        """Delete what `put` stored."""
        raise NotImplementedError("the contract needs remove(name)")

    def deny(self, name: str) -> None:
        """Let the resolver's login be denied *name*; called before the `make_resolver` that it is for."""
        raise NotImplementedError

    def reference(self, name: str, *, version: str | None = None) -> str:
        """Return an explicit reference to what `put` stores under *name*."""
        raise NotImplementedError

    def lend(self, name: str, value: str, seconds: float) -> None:
        """Store *value* so that it is lent for so long, and may be prolonged."""
        raise NotImplementedError

    def make_resolver_at(self, url: str) -> Resolver:
        """Return a new resolver that asks the server at *url*, which may be https."""
        raise NotImplementedError

    def play(self, server: FaultyServer, name: str, value: str) -> str:
        """Let *server* answer logins and a read of *name* well; return the path that a read goes to."""
        raise NotImplementedError

    def untrusted_context(self) -> ssl.SSLContext:
        """Return the context of a server whose certificate the resolver does not trust."""
        raise NotImplementedError

    def credentials(self) -> Iterable[str]:
        """Return passwords and tokens that must not show up anywhere either."""
        return ()

    @classmethod
    def overrides(cls, hook: str) -> bool:
        """Whether the subclass has filled in an optional hook."""
        return getattr(cls, hook) is not getattr(Hooks, hook)

    @contextmanager
    def opened(self) -> Iterator[Resolver]:
        """Make a resolver, and close it in the end."""
        resolver = self.make_resolver()
        try:
            yield resolver
        finally:
            if isinstance(resolver, SupportsClose):
                resolver.close()

    def ask(self, resolver: Resolver, name: str, *, document: bool = False) -> Answer:
        """Fetch *name*."""
        return resolver.fetch(resolver.locate(name, document=document), Deadline(self.timeout))

    def read(self, resolver: Resolver, name: str) -> Kept:
        """Fetch *name* and take its value out of the document, as a store does; `Kept(None)` if it is not there."""
        location = resolver.locate(name)
        return picked(resolver.fetch(location, Deadline(self.timeout)), location)


def nobody() -> str:
    """Return an address on this machine at which nobody listens."""
    from secretsource.testing._faulty import FaultyServer  # noqa: PLC0415 - TLS takes long to load

    server = FaultyServer()
    server.stop()
    return server.url


def picked(answer: object, location: Location) -> Kept:
    """Return the value at *location*, which must be in an answer of an allowed type."""
    assert answer is None or isinstance(answer, Document | NotThere), (
        f"fetch returned {type(answer).__name__}; allowed are Document, NotThere and None"
    )
    value = answer.pick(location.field) if isinstance(answer, Document) else None
    return Kept(None if value is None else value.reveal())


def raised(kind: type[E], call: Callable[[], object], about: str) -> E:
    """Return the error that *call* raises, which must be a *kind*."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{about}: expected {kind.__name__}, and nothing was raised")


def only_if(condition: Callable[[type[Hooks]], bool]) -> Callable[[F], F]:
    """Mark a test that only some backends can pass, by their flags and hooks."""

    def mark(test: F) -> F:
        setattr(test, _CONDITION, condition)
        return test

    return mark


def leave_out(cls: type[Hooks]) -> None:
    """Take away the marked tests that *cls* cannot pass, so that they are not collected; an author's own stay."""
    decided = set()
    for name, test in [item for base in cls.__mro__ for item in vars(base).items()]:
        if test is None or name in decided:
            continue
        decided.add(name)
        condition = getattr(test, _CONDITION, None)
        if condition is not None:
            setattr(cls, name, test if condition(cls) else None)
