"""The ways in which HTTP services want a secret, whatever the client: in a header, as a bearer token, as a password."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from secretsource import InvalidValue, Secret, SecretHandle, Store, secret
from secretsource.integrations._http_service import Service

__all__ = ["Basic", "Bearer", "Header"]

R = TypeVar("R")

_UNAUTHORIZED: Final = frozenset({401})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Header(Service[R]):
    """One secret, in a header of any name."""

    def __init__(
        self,
        header: str,
        name: str,
        *,
        format: str = "{}",
        refused: Collection[int] | Callable[[R], bool] = _UNAUTHORIZED,
        wait: float = 2.0,
        plain_http: bool = False,
        store: Store | None = None,
    ) -> None:
        """Remember what to send; nothing is read before the first request.

        Args:
            header: The name of the header, such as ``api_key``.
            name: The name or reference of the secret.
            format: What the header says, with ``{}`` for the value: ``"Token {}"``.
            refused: The status codes that mean "refused", or a function that is given the response and says so.
            wait: Seconds, 0 or more, for which a refused request waits for another value: a rotation changes a key at
                one place before the other. See `Store.reject`.
            plain_http: Whether it may be sent over ``http://`` to other machines than this one.
            store: Where the secret is read; `None` for the process-wide store of the moment.

        Raises:
            InvalidReference: A name breaks the grammar.
            TypeError: *refused* is neither.
            ValueError: The header, the format or *wait* is none.
        """
        super().__init__(refused=refused, wait=wait, plain_http=plain_http, store=store)
        if not _TOKEN.fullmatch(header):
            raise ValueError(f"{header!r} is no name of a header")
        self._before, mark, self._behind = format.partition("{}")
        if not mark or "{}" in self._behind or _fault(format):
            raise ValueError(f"format must have {{}} once, where the value stands, not {format!r}")
        self._header = header
        self._names = (secret(name).name,)

    def _value(self, secrets: Mapping[str, Secret]) -> str:
        value = _text(
            secrets[self._names[0]], fault_in=_fault, not_fit=f"be sent in the header {self._header}"
        )
        return f"{self._before}{value}{self._behind}"

    def __repr__(self) -> str:
        """Return the header and the name."""
        return f"{type(self).__name__}({self._header!r}, {self._names[0]!r})"


class Bearer(Header[R]):
    """One secret, as a bearer token."""

    def __init__(
        self,
        name: str,
        *,
        refused: Collection[int] | Callable[[R], bool] = _UNAUTHORIZED,
        wait: float = 2.0,
        plain_http: bool = False,
        store: Store | None = None,
    ) -> None:
        """Remember what to send, as ``Authorization: Bearer …``; nothing is read before the first request.

        Args:
            name: The name or reference of the secret.
            refused: The status codes that mean "refused", or a function that is given the response and says so.
            wait: Seconds, 0 or more, for which a refused request waits for another value. See `Store.reject`.
            plain_http: Whether it may be sent over ``http://`` to other machines than this one.
            store: Where the secret is read; `None` for the process-wide store of the moment.

        Raises:
            InvalidReference: A name breaks the grammar.
            TypeError: *refused* is neither.
            ValueError: *wait* is no number of seconds.
        """
        super().__init__(
            "Authorization",
            name,
            format="Bearer {}",
            refused=refused,
            wait=wait,
            plain_http=plain_http,
            store=store,
        )

    def __repr__(self) -> str:
        """Return the name."""
        return f"{type(self).__name__}({self._names[0]!r})"


class Basic(Service[R]):
    """A user and a password; both of one version where both are secrets."""

    _header = "Authorization"

    def __init__(
        self,
        *,
        user: str | SecretHandle,
        password: str,
        refused: Collection[int] | Callable[[R], bool] = _UNAUTHORIZED,
        wait: float = 2.0,
        plain_http: bool = False,
        store: Store | None = None,
    ) -> None:
        """Remember what to send, as ``Authorization: Basic …`` in UTF-8; nothing is read before the first request.

        Args:
            user: The user; ``secret("mail/user")`` where that is a secret too, which is read from the same store.
            password: The name or reference of the password.
            refused: The status codes that mean "refused", or a function that is given the response and says so.
            wait: Seconds, 0 or more, for which a refused request waits for another value. See `Store.reject`.
            plain_http: Whether it may be sent over ``http://`` to other machines than this one.
            store: Where the secrets are read; `None` for the process-wide store of the moment.

        Raises:
            InvalidReference: A name breaks the grammar.
            TypeError: *refused* is neither.
            ValueError: The user has a colon, or *wait* is no number of seconds.
        """
        super().__init__(refused=refused, wait=wait, plain_http=plain_http, store=store)
        if isinstance(user, str) and ":" in user:
            raise ValueError("a user of Basic authentication cannot have a colon")
        self._user: Final = user
        checked = secret(password).name
        self._names = (checked,) if isinstance(user, str) else (user.name, checked)

    def _value(self, secrets: Mapping[str, Secret]) -> str:
        user = self._user
        if not isinstance(user, str):
            user = _text(secrets[user.name], fault_in=_fault_of_user, not_fit="be a user")
        password = _text(secrets[self._names[-1]], fault_in=_fault_of_password, not_fit="be a password")
        pair = f"{user}:{password}".encode("utf-8", "surrogatepass")
        return f"Basic {base64.b64encode(pair).decode()}"

    def __repr__(self) -> str:
        """Return the user, or its name, and the name of the password."""
        return f"{type(self).__name__}(user={self._user!r}, password={self._names[-1]!r})"


def _text(found: Secret, *, fault_in: Callable[[str], str | None], not_fit: str) -> str:
    """Return the value of *found*, if it is a text without a fault.

    Raises:
        InvalidValue: It is none, or has one.
    """
    try:
        value = found.value
    except TypeError:
        fault: str | None = "is binary"
    else:
        fault = fault_in(value)
        if not fault:
            return value
    raise InvalidValue(f"the value of {found.name!r} cannot {not_fit}: it {fault}")


def _fault_of_password(value: str) -> str | None:
    return None if value else "is empty"


def _fault_of_user(value: str) -> str | None:
    return "has a colon" if ":" in value else _fault_of_password(value)


def _fault(value: str) -> str | None:
    """Return what is wrong with *value* in a header. The clients would show all of it in their errors."""
    if not value:
        return "is empty"
    if _CONTROL.search(value):
        return "has a line break or another control character"
    if value != value.strip():
        return "begins or ends with a space"
    if any(character > "\xff" for character in str(value)):
        return "has characters beyond Latin-1"
    return None
