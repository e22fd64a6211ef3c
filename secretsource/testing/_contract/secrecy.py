"""The part of the contract about what must not show."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from secretsource.errors import AccessDenied, BackendUnavailable, InvalidReference, Reason
from secretsource.resolvers import Deadline, Resolver
from secretsource.testing._contract.hooks import Hooks, only_if, raised
from secretsource.testing._contract.kept import Canary, Kept, leaks, new_path, pickled, printed

__all__ = ["SecrecyTests"]


class SecrecyTests(Hooks):
    """Neither values nor credentials are in what is printed, pickled or raised."""

    def test_nothing_printed_holds_a_secret(self) -> None:
        """Resolver, place and answer, after a read has filled whatever they keep."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            items = [resolver, resolver.locate(name), self.ask(resolver, name)]
            if self.documents:
                items.append(self.ask(resolver, name.partition("/")[0], document=True))
            shown = [text for item in items for text in (repr(item), str(item), f"{[item]}")]
        assert not leaks(self._secrets(value), shown)

    def test_no_pickle_holds_a_secret(self) -> None:
        """Refusing to be pickled is fine."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            items = [resolver, resolver.locate(name), self.ask(resolver, name)]
            pickles = [pickled(item) for item in items]
        assert not leaks(self._secrets(value), pickles)

    def test_no_error_holds_a_secret(self) -> None:
        """Neither its text nor its traceback with local variables, nor its pickle."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            self.ask(resolver, name)
            errors: list[BaseException] = [
                raised(InvalidReference, lambda: resolver.locate(f"{name}//x"), "locate of a bad name")
            ]
            errors += self._too_late(resolver, name)
            shown = [printed(error) for error in errors]
            pickles = [pickled(error) for error in errors]
        assert not leaks(self._secrets(value), [*shown, *pickles])

    @only_if(lambda cls: cls.overrides("deny"))
    def test_a_denial_is_access_denied_and_leads_to_no_client(self) -> None:
        """It is raised outside the handler of the client's exception, whose frames hold tokens."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        self.deny(name)
        with self.opened() as resolver:
            error = raised(AccessDenied, lambda: self.ask(resolver, name), "fetch of what is denied")
            text, pickle = printed(error), pickled(error)
        assert error.reason is Reason.DENIED
        assert error.__cause__ is None
        assert error.__context__ is None
        assert not leaks(self._secrets(value), [text, pickle])

    def _too_late(self, resolver: Resolver, name: str) -> list[BaseException]:
        try:
            resolver.fetch(resolver.locate(name), Deadline(0.0))
        except BackendUnavailable as error:
            return [error]
        return []

    def _secrets(self, value: Kept) -> list[Kept]:
        return [value, *map(Kept, self.credentials())]
