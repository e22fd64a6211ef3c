"""The key stores that keyring would ask now, each one looked at before it is used. Imports keyring."""

from __future__ import annotations

import functools
import os

import keyring
from keyring import core
from keyring.backend import KeyringBackend

from secretsource.errors import Reason
from secretsource.resolvers.keyring._failure import Failure, failure_of
from secretsource.resolvers.keyring._trusted import CHAIN, SHARED, is_of_the_system, why_refused

__all__ = ["class_of", "stores"]

_ADVICE = "uninstall keyrings.alt, or choose a store of the operating system with the setting backend"
_UNKNOWN = "if it encrypts what it holds, allow it with the setting backend"
_FORKED = "its connection does not survive a fork: read in a process that was started, not forked"

_loaded = functools.cache(core.load_keyring)
_first_use: dict[str, int] = {}
"""The process that used a module with a shared connection first."""


def stores(backend: str | None) -> list[KeyringBackend] | Failure:
    """Return the key stores to ask, the first one first.

    Args:
        backend: The class of the setting; `None` leaves the choice to keyring.
    """
    try:
        chosen = keyring.get_keyring() if backend is None else _loaded(backend)
        is_chain = type(chosen).__module__ == CHAIN
        # Asked for once: a chain finds its members anew each time, and these are the ones that are looked at.
        found: list[KeyringBackend] = list(chosen.backends) if is_chain else [chosen]  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - whatever a package of the user's choice raises
        return _not_loaded(error, backend)
    allowed = backend is not None and not is_chain
    problems = (_problem(each, allowed=allowed) for each in found)
    problem = next((problem for problem in problems if problem is not None), None)
    if problem is not None:
        return problem
    return found or Failure(reason=Reason.REFUSED, detail=_absent())


def class_of(store: KeyringBackend) -> str:
    """Return the class as messages and the setting call it."""
    return _name(type(store))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _absent() -> str:
    return failure_of(keyring.errors.NoKeyringError()).detail


def _problem(store: KeyringBackend, *, allowed: bool) -> Failure | None:
    module = type(store).__module__
    if module in {"keyring.backends.fail", "keyring.backends.null"}:
        return Failure(reason=Reason.REFUSED, detail=_absent())
    if why := why_refused(map(_name, type(store).__mro__)):
        return Failure(detail=f"{class_of(store)} {why}; {_ADVICE}")
    if not allowed and not is_of_the_system(module):
        return Failure(detail=f"{class_of(store)} is not known to be one of the operating system; {_UNKNOWN}")
    if module in SHARED and _first_use.setdefault(module, os.getpid()) != os.getpid():
        return Failure(reason=Reason.REFUSED, detail=f"{class_of(store)}: {_FORKED}")
    return None


def _not_loaded(error: Exception, backend: str | None) -> Failure:
    """Say that the class cannot be had: a name that is wrong, or a store that is not there."""
    if isinstance(error, ImportError | AttributeError | ValueError | TypeError):
        where = "PYTHON_KEYRING_BACKEND and keyringrc.cfg" if backend is None else "the setting backend"
        return Failure(detail=f"no such class of keyring ({type(error).__name__}): check {where}")
    if isinstance(error, RuntimeError):  # what keyring's classes say where their store is not there
        return Failure(reason=Reason.REFUSED, detail=_absent())
    return failure_of(error)
