"""The rule for tokens that Vault and Conjur share, with tokens that are numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secretsource._deadline import Deadline
from secretsource.resolvers._tokens import Tokens


@dataclass(eq=False)
class Token:
    """Number *value*; it is to be renewed at 40, and ends at 60."""

    value: int
    renew_at: float = 40.0
    ends_at: float = 60.0

    def is_like(self, other: object) -> bool:
        return isinstance(other, Token) and self.value == other.value


class Site:
    """Hands tokens out, and measures time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.given: list[int] = []
        self.renewed: list[Token] = []
        self.next: Callable[[], int] = lambda: len(self.given) + 1
        self.between: Callable[[], object] = lambda: None
        self.tokens: Tokens[Token] = Tokens(self._log_in, self._clock, self._renew)

    def _clock(self) -> float:
        between, self.between = self.between, lambda: None
        between()
        return self.now

    def _log_in(self, _deadline: Deadline) -> Token:
        self.given.append(self.next())
        return Token(self.given[-1], self.now + 40, self.now + 60)

    def _renew(self, token: Token, _deadline: Deadline) -> bool:
        self.renewed.append(token)
        token.renew_at, token.ends_at = self.now + 40, self.now + 60
        return True

    def current(self) -> Token:
        return self.tokens.current(Deadline(5))


def test_a_token_that_can_be_renewed_stays_the_same() -> None:
    site = Site()
    first = site.current()
    site.now = 41
    assert first is site.current()
    assert ([1], [first], 101) == (site.given, site.renewed, first.ends_at)


def test_a_token_that_has_ended_is_not_renewed() -> None:
    site = Site()
    site.current()
    site.now = 61
    assert 2 == site.current().value
    assert [] == site.renewed


def test_a_token_that_another_thread_has_replaced_meanwhile_is_not_renewed() -> None:
    site = Site()
    first = site.current()
    site.now = 41
    site.between = lambda: site.tokens.replace(first, Deadline(5))
    assert 2 == site.current().value
    assert [] == site.renewed


def test_the_same_token_given_again_is_taken_over_where_the_old_one_has_ended() -> None:
    site = Site()
    site.next = lambda: 7
    first = site.current()
    site.now = 61
    assert (7, 121) == (site.current().value, site.current().ends_at)
    assert first is not site.current()


def test_the_same_token_given_again_does_not_help_who_was_refused_with_it() -> None:
    site = Site()
    site.next = lambda: 7
    first = site.current()
    site.now = 61
    site.current()
    site.next = lambda: 8
    other = site.tokens.replace(first, Deadline(5))
    assert other is not None
    assert 8 == other.value


def test_there_is_no_other_token_where_the_refused_one_is_given_again() -> None:
    site = Site()
    site.next = lambda: 7
    assert site.tokens.replace(site.current(), Deadline(5)) is None
