"""A call to the key store that failed, as a value: what keyring raises leads to frames that hold values."""

from __future__ import annotations

from secretsource._record import Record
from secretsource.errors import (
    ConfigError,
    DeadlineExceeded,
    InvalidValue,
    Reason,
    SecretSourceError,
    resolver_error,
)

__all__ = ["Failure", "failure_of"]

_LOCKED = "the key store is locked: unlock it, then read again"
_ABSENT = (
    "no key store of the operating system answers: log in to the desktop, "
    "or leave this resolver out of the chain on a machine without one"
)
_CLOSED = "the key store could not be opened"
_SAID_NO = "the user said no, or the keychain could not ask"

# Of exceptions, by module and name; the first one that matches in the order of inheritance decides.
_MEANINGS: dict[str, tuple[Reason, str]] = {
    "keyring.errors.NoKeyringError": (Reason.REFUSED, _ABSENT),
    "keyring.errors.InitError": (Reason.REFUSED, _CLOSED),
    "keyring.errors.KeyringLocked": (Reason.SEALED, _LOCKED),
    "keyring.errors.PasswordSetError": (Reason.SERVER, "the key store did not take the value"),
    "keyring.errors.PasswordDeleteError": (Reason.SERVER, "the key store did not delete the value"),
    "keyring.errors.KeyringError": (Reason.SERVER, "the key store failed"),
    "secretstorage.exceptions.SecretServiceNotAvailableException": (Reason.REFUSED, _ABSENT),
    "secretstorage.exceptions.LockedException": (Reason.SEALED, _LOCKED),
    "secretstorage.exceptions.PromptDismissedException": (Reason.SEALED, _LOCKED),
    "secretstorage.exceptions.SecretStorageException": (Reason.SERVER, "the key store failed"),
    "builtins.UnicodeDecodeError": (Reason.BROKEN, "the key store holds no UTF-8 text there"),
}
_MACOS = "keyring.backends.macOS"


class Failure(Record):
    """What went wrong.

    Attributes:
        reason: One of the reasons of an error; `None` when the choice of the key store is wrong.
        detail: Words from the fixed vocabulary.
        of_value: The value is one that the key store cannot hold.
    """

    reason: Reason | None = None
    detail: str
    of_value: bool = False

    def error(self, resolver: str, location: str) -> SecretSourceError:
        """Return the error to raise."""
        if self.of_value:
            return InvalidValue(f"{location} cannot hold this value: {self.detail}")
        if self.reason is None:
            return ConfigError(f"the resolver {resolver!r} does not use the key store: {self.detail}")
        if self.reason is Reason.TIMEOUT:
            return DeadlineExceeded(self.detail, location=location)
        return resolver_error(self.reason, self.detail, location=location)


def failure_of(error: BaseException, module: str = "") -> Failure:
    """Say what an exception means.

    Args:
        error: What a call of keyring raised.
        module: The module of the key store that was asked.
    """
    for kind in type(error).__mro__:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name == "keyring.errors.KeyringLocked" and module == _MACOS:
            return Failure(reason=Reason.DENIED, detail=_SAID_NO)  # there it means that somebody was asked
        if name in _MEANINGS:
            reason, detail = _MEANINGS[name]
            return Failure(reason=reason, detail=detail)
    return Failure(reason=Reason.SERVER, detail=f"the key store raised {type(error).__name__}")
