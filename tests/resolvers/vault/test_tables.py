"""What each status and each of hvac's exceptions means: nothing is left undecided."""

from __future__ import annotations

import hvac.exceptions
import pytest

from secretsource.errors import (
    Reason,
)
from secretsource.resolvers.vault._errors import HVAC, reason_of_hvac, reason_of_status
from tests.resolvers.vault.support import (
    no_environment,
    quick_retries,
    server,
    vault,
)

__all__ = ["no_environment", "quick_retries", "server", "vault"]


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_is_decided(status: int) -> None:
    reason = reason_of_status(status)
    special = {401: "denied", 403: "denied", 408: "server", 412: "server", 425: "server"} | {
        429: "throttled",
        472: "sealed",
        473: "sealed",
    }
    expected = special.get(status, "server" if status >= 500 else "broken")
    assert (None if status == 200 else expected) == reason
    assert (expected if status not in {200, 400} else {200: None, 400: "denied"}[status]) == reason_of_status(
        status, login=True
    )


def test_every_exception_of_hvac_is_decided() -> None:
    theirs = {
        name
        for name, kind in vars(hvac.exceptions).items()
        if isinstance(kind, type) and issubclass(kind, hvac.exceptions.VaultError)
    }
    assert theirs == set(HVAC)
    assert all(HVAC[name] is reason_of_hvac(getattr(hvac.exceptions, name)("x")) for name in theirs)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 429, 472, 500, 501, 502, 503])
def test_hvac_and_our_table_agree(status: int) -> None:
    theirs = reason_of_hvac(hvac.exceptions.VaultError.from_status(status, "x"))
    ours = reason_of_status(status)
    unmapped = {412, 472, 503}  # not known to hvac, or known by one name for sealed and other outages
    assert status in unmapped or theirs is ours


def test_a_new_exception_of_hvac_is_broken_or_what_it_derives_from() -> None:
    class New(hvac.exceptions.Forbidden):
        pass

    assert (Reason.DENIED, Reason.BROKEN) == (reason_of_hvac(New("x")), reason_of_hvac(ValueError("x")))
