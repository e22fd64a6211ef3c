"""The part of the contract about a server that goes wrong: what it may not be taken for."""

# ruff: noqa: S101 - a contract is made of assertions
# ruff: noqa: PLC0415 - TLS takes longer to load than all the rest

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason, ResolverError
from secretsource.resolvers import Deadline, Resolver, SupportsClose
from secretsource.testing._contract.hooks import Hooks, only_if, raised
from secretsource.testing._contract.kept import Canary, Kept, heard, leaks, new_path, pickled, printed

if TYPE_CHECKING:
    from secretsource.testing._faulty import FaultyServer

__all__ = ["ServedTests"]

_SOON = 2.0
_PATIENCE = 0.5
_GRACE = 0.5
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_REDIRECTS = (301, 302, 303, 307, 308)
_TROUBLES = (429, 500, 502, 503, 504)
_NO_BODIES: tuple[bytes, ...] = (b"", b"{}", b"null", b"[]", b'"text"', b"1", b'{"', b"\xff\xfe")

_is_served = only_if(lambda cls: cls.overrides("make_resolver_at") and cls.overrides("play"))


class Served:
    """A server that plays the backend well, a resolver that asks it, and one secret.

    Attributes:
        server: It is told to go wrong.
        path: Where a read goes.
        name: What is read.
        value: What it has.
    """

    def __init__(self, server: FaultyServer, resolver: Resolver, path: str, name: str, value: Canary) -> None:
        self.server = server
        self.resolver = resolver
        self.path = path
        self.name = name
        self.value = value

    def fetch(self, seconds: float) -> object:
        """Read the secret."""
        return self.resolver.fetch(self.resolver.locate(self.name), Deadline(seconds))


class ServedTests(Hooks):
    """A resolver that speaks HTTP takes nothing for an answer that is none, and sends nothing elsewhere."""

    @_is_served
    def test_a_server_that_is_well_is_read(self) -> None:
        """Otherwise the tests below would prove nothing."""
        with self.__served() as served:
            assert self.read(served.resolver, served.name) == served.value
            assert served.path in {request.path.partition("?")[0] for request in served.server.requests}

    @_is_served
    def test_where_nobody_listens_it_is_unavailable(self) -> None:
        """Refused, soon, and in no other words."""
        with self.__served() as served:
            served.server.stop()
            error = self.__fails(served, BackendUnavailable)
        assert error.reason is Reason.REFUSED

    @_is_served
    def test_a_connection_that_is_closed_without_an_answer_is_unavailable(self) -> None:
        """It is no broken answer: there was none."""
        with self.__served() as served:
            served.server.answer(close=True, path=served.path)
            self.__fails(served, BackendUnavailable)

    @_is_served
    def test_a_hang_ends_at_the_deadline(self) -> None:
        """Whatever the client's own timeouts are."""
        with self.__served() as served:
            served.server.answer(delay=30, path=served.path)
            self.__is_late(served)

    @_is_served
    def test_a_drip_ends_at_the_deadline(self) -> None:
        """A byte now and then is no answer in time, although no read of the client is late."""
        with self.__served() as served:
            headers: dict[str, str | None] = {"Content-Length": "1000"}
            served.server.answer(headers=headers, body=b"x" * 1000, drip=0.1, path=served.path)
            self.__is_late(served)

    @_is_served
    def test_a_server_in_trouble_is_unavailable(self) -> None:
        """Neither "not there" nor broken."""
        for status in _TROUBLES:
            with self.__served() as served:
                served.server.answer(status, body=b"{}", path=served.path)
                self.__fails(served, BackendUnavailable, f"HTTP {status}")

    @_is_served
    def test_a_wait_that_does_not_fit_ends_at_once(self) -> None:
        """A ``Retry-After`` of an hour is told, not waited for."""
        with self.__served() as served:
            served.server.answer(429, {"Retry-After": "3600"}, path=served.path)
            error = self.__fails(served, BackendUnavailable)
        assert isinstance(error, BackendUnavailable)
        assert error.retry_after == 3600

    @_is_served
    def test_a_refusal_is_an_error(self) -> None:
        """HTTP 401 and 403 are never "not there"; with a body of nobody's they may be a denial, or broken."""
        for status in (401, 403):
            with self.__served() as served:
                served.server.answer(status, body=b"{}", path=served.path)
                error = self.__fails(served, ResolverError, f"HTTP {status}")
            assert isinstance(error, AccessDenied | InvalidResponse)

    @only_if(lambda cls: cls.overrides("make_resolver_at") and cls.overrides("play") and cls.own_404)
    def test_a_404_of_somebody_else_is_not_taken_for_not_there(self) -> None:
        """Nor is that of a proxy, or of a wrong address."""
        with self.__served() as served:
            served.server.answer(404, _HTML, "<html>no such page</html>", path=served.path)
            self.__fails(served, InvalidResponse)

    @_is_served
    def test_an_answer_that_holds_no_value_is_broken(self) -> None:
        """A 200 with HTML, with JSON of another form, with half of it, or with nothing."""
        with self.__served() as served:
            served.server.answer(headers=_HTML, body="<html>welcome</html>", path=served.path)
            self.__fails(served, InvalidResponse, "HTML")
        bodies = () if self.any_body else _NO_BODIES
        for body in bodies:
            with self.__served() as served:
                served.server.answer(
                    headers={"Content-Type": "application/json"}, body=body, path=served.path
                )
                self.__fails(served, InvalidResponse, f"the body {body!r}")
        with self.__served() as served:
            served.server.answer(204, path=served.path)
            self.__fails(served, InvalidResponse, "HTTP 204")

    @_is_served
    def test_an_answer_that_is_cut_is_broken(self) -> None:
        """Shorter than its ``Content-Length``, or a chunk without its end."""
        for headers in ({"Content-Length": "1000"}, {"Transfer-Encoding": "chunked"}):
            with self.__served() as served:
                told: dict[str, str | None] = {**headers}
                served.server.answer(headers=told, body="x" * 500, truncate_to=100, path=served.path)
                self.__fails(served, InvalidResponse, str(headers))

    @_is_served
    def test_an_answer_without_end_is_not_read_whole(self) -> None:
        """It is refused when it is too large, long before its end."""
        with self.__served() as served:
            headers: dict[str, str | None] = {"Content-Length": str(10**10)}
            served.server.answer(headers=headers, body=b"x" * 8_000_000, path=served.path)
            self.__fails(served, InvalidResponse)

    @_is_served
    def test_no_redirect_is_followed(self) -> None:
        """The other host would answer well, and is asked nothing."""
        from secretsource.testing._faulty import FaultyServer

        for status in _REDIRECTS:
            with FaultyServer() as other, self.__served() as served:
                self.play(other, served.name, Canary().text)
                where = {"Location": other.url + served.path}
                served.server.answer(status, where, path=served.path)
                self.__fails(served, ResolverError, f"HTTP {status}")
                assert not other.connections, f"HTTP {status} was followed"

    @_is_served
    def test_plain_http_where_tls_is_expected_is_loud(self) -> None:
        """A TLS failure, told as one, and not tried again."""
        from secretsource.testing._faulty import FaultyServer

        with FaultyServer() as server:
            self.__is_loud(server, server.url.replace("http:", "https:"))

    @only_if(
        lambda cls: all(cls.overrides(hook) for hook in ("make_resolver_at", "play", "untrusted_context"))
    )
    def test_a_certificate_that_is_not_trusted_is_loud(self) -> None:
        """Nothing is sent to who shows it."""
        from secretsource.testing._faulty import FaultyServer

        with FaultyServer(self.untrusted_context()) as server:
            self.__is_loud(server, server.url)

    @_is_served
    def test_no_fault_shows_a_secret(self) -> None:
        """Not the error, its traceback with local variables, its pickle, nor a log; whatever the server repeats."""
        for what, fault in _faults().items():
            with heard() as lines, self.__served() as served:
                everything = " ".join([served.value.text, *self.credentials()])
                fault(served.server, served.path, everything)
                error = self.__fails(served, ResolverError, what, seconds=_PATIENCE)
                shown: list[str | bytes] = [printed(error), pickled(error), *lines]
            assert (error.__cause__, error.__context__) == (None, None), f"{what}: it leads to the client"
            assert not leaks([served.value, *map(Kept, self.credentials())], shown), what

    # Mangled: a subclass may well have helpers of these names.

    @contextmanager
    def __served(self) -> Iterator[Served]:
        from secretsource.testing._faulty import FaultyServer

        with ExitStack() as ends:
            server = ends.enter_context(FaultyServer())
            name, value = f"{new_path()}/field", Canary()
            path = self.play(server, name, value.text)
            resolver = self.make_resolver_at(server.url)
            if isinstance(resolver, SupportsClose):
                ends.callback(resolver.close)
            yield Served(server, resolver, path, name, value)

    def __fails(
        self, served: Served, kind: type[ResolverError], about: str = "the fetch", *, seconds: float = 5.0
    ) -> ResolverError:
        started = time.monotonic()
        error = raised(kind, lambda: served.fetch(seconds), about)
        assert time.monotonic() - started < _SOON, f"{about}: it took {time.monotonic() - started:.1f} s"
        return error

    def __is_late(self, served: Served) -> None:
        started = time.monotonic()
        raised(BackendUnavailable, lambda: served.fetch(_PATIENCE), "the fetch")
        seconds = time.monotonic() - started
        assert seconds < _PATIENCE + _GRACE, f"it took {seconds:.1f} s of {_PATIENCE} s"

    def __is_loud(self, server: FaultyServer, url: str) -> None:
        resolver = self.make_resolver_at(url)
        place = resolver.locate(f"{new_path()}/field")
        error = raised(BackendUnavailable, lambda: resolver.fetch(place, Deadline(5.0)), "the fetch")
        if isinstance(resolver, SupportsClose):
            resolver.close()
        assert error.reason is Reason.TLS
        assert (server.connections, server.requests) == (1, [])


def _faults() -> dict[str, Callable[[FaultyServer, str, str], None]]:
    """Return faults of a server that repeats all there is to hide."""

    def status(code: int) -> Callable[[FaultyServer, str, str], None]:
        return lambda server, path, text: server.answer(code, {"X-Told": text}, text, path=path)

    return {
        **{f"HTTP {code}": status(code) for code in (307, 400, 401, 403, 404, 429, 500, 503)},
        "HTML": lambda server, path, text: server.answer(headers=_HTML, body=f"<p>{text}", path=path),
        "cut": lambda server, path, text: server.answer(body=text * 9, truncate_to=len(text) * 4, path=path),
        "closed": lambda server, path, text: server.answer(body=text, close=True, path=path),
        "dripping": lambda server, path, text: server.answer(
            headers={"Content-Length": "100000"}, body=text * 99, drip=0.001, path=path
        ),
    }
