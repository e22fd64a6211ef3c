"""The setting ``auth`` of a backend: a table that names a method to log in, and what that method needs.

Messages name keys and known words. What was given for a key, the method's name included, is never shown: a credential
may stand in the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from secretsource._nearest import nearest
from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._credential import Credential

__all__ = ["AuthMethod", "build_method"]

_Built = TypeVar("_Built")


@dataclass(frozen=True, slots=True)
class AuthMethod(Generic[_Built]):
    """One method.

    Attributes:
        build: Makes it of the checked table, which then holds no ``method``.
        required: The keys that must be there.
        optional: The keys that may be there.
        flags: The keys that may be there and are true or false. *build* gets one that is true as the text ``true``, and
            one that is false not at all.
    """

    build: Callable[[Mapping[str, Credential]], _Built]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def build_method(auth: Mapping[str, Credential | bool], methods: Mapping[str, AuthMethod[_Built]]) -> _Built:
    """Return what the method that *auth* names builds.

    Args:
        auth: The setting.
        methods: The methods by the names that the configuration uses.

    Raises:
        ConfigError: It is no table, a method or key is unknown or missing, or a credential is no text.
    """
    if not isinstance(auth, Mapping):
        example = f"{{ method = {next(iter(methods))!r}, … }}"
        raise ConfigError(f"auth must be a table such as {example}, not {type(auth).__name__}")
    name = auth.get("method")
    if not isinstance(name, str) or name not in methods:
        word = name if isinstance(name, str) else ""
        raise ConfigError(f"auth needs a known method: {nearest(word, methods)}")
    method = methods[name]
    given = {key: credential for key, credential in auth.items() if key != "method"}
    _check_keys(f"auth of method {str(name)!r}", method, given)  # the table may hold it masked
    return method.build(
        {key: _masked(credential) for key, credential in given.items() if credential is not False}
    )


def _masked(credential: Credential | bool) -> Credential:
    """Return what is kept: any text masked, as which of them are credentials is not known here."""
    if credential is True:
        return "true"
    return MaskedStr(credential) if isinstance(credential, str) else credential  # type: ignore[return-value]


def _check_keys(where: str, method: AuthMethod[_Built], given: Mapping[str, Credential | bool]) -> None:
    known = method.required + method.optional + method.flags
    for key, credential in given.items():
        if key not in known:
            words = nearest(str(key), known) if known else "it takes none"
            raise ConfigError(f"unknown key {shown(key)} in {where}: {words}")
        if key in method.flags:
            if not isinstance(credential, bool):
                raise ConfigError(f"{key!r} in {where} must be true or false")
        elif not (callable(credential) or (isinstance(credential, str) and credential)):
            raise ConfigError(
                f"{key!r} in {where} must be a text that is not empty, or a callable that returns one"
            )
    missing = [key for key in method.required if key not in given]
    if missing:
        raise ConfigError(f"{where} needs {' and '.join(map(repr, missing))}")
