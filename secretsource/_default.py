"""The process-wide store, and the functions that read from it.

The store and what it is built from are imported at the first read, so that a program that imports `get_secret` starts
as fast as one that does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar, cast, overload

from secretsource import _clock
from secretsource._fork import reset_in_child, whole_import
from secretsource._unset import UNSET, Unset

if TYPE_CHECKING:
    from secretsource._attempts import Attempts, On
    from secretsource._config import Config
    from secretsource._entries import Hit
    from secretsource._masked import MaskedBytes, MaskedStr
    from secretsource._secret import Secret
    from secretsource._store import Store

__all__ = [
    "SecretHandle",
    "aget_secret",
    "attempts",
    "configure",
    "default_store",
    "get_fields",
    "get_secret",
    "get_secret_bytes",
    "get_secrets",
    "on_rotation",
    "prefetch",
    "replace_default_store",
    "secret",
]

D = TypeVar("D")


class _Default:
    """The process-wide store; built from the configuration when it is first needed."""

    def __init__(self) -> None:
        self.store: Store | None = None
        self._renew_lock()
        reset_in_child(self._renew_lock)

    def _renew_lock(self) -> None:
        self.lock = threading.RLock()


_default: Final = _Default()
# What a cached read looks at, kept in sync with the store: one dictionary look-up and one comparison of clocks.
_hits: dict[str, Hit] = {}
_now: _clock.Clock = _clock.now


def configure(config: Config | None = None, **settings: object) -> Store:
    """Build the process-wide store anew and return it; what the old one had cached is forgotten.

    Args:
        config: A ready configuration; without it, one is put together from *settings*, ``SECRETSOURCE_*`` variables and
            the configuration file, all read anew.
        **settings: See `Config.load`.

    Raises:
        ConfigError: The configuration is wrong; the old store stays.
        MissingDependency: A resolver needs a package that is not installed.
        TypeError: Both a configuration and settings are given, or *config* is no `Config`.
    """
    with whole_import():
        from secretsource._build import build_store  # noqa: PLC0415 - see the top of this file
        from secretsource._config import Config  # noqa: PLC0415
        from secretsource._credentials import with_masked_credentials  # noqa: PLC0415

    settings = with_masked_credentials(settings)
    if config is not None and settings:
        raise TypeError("pass a Config or settings, not both")
    if not isinstance(config, Config | None):
        raise TypeError(
            f"pass a Config, or settings such as config_file by keyword, not {type(config).__name__}"
        )
    store = build_store(Config.load(**settings) if config is None else config)
    replaced = replace_default_store(store)
    if replaced is not None:
        replaced.close()
    return store


def default_store() -> Store:
    """Return the process-wide store; the first call builds it from the configuration.

    Raises:
        ConfigError: The configuration is wrong.
        MissingDependency: A resolver needs a package that is not installed.
    """
    store = _default.store
    if store is not None:
        return store
    with _default.lock:
        if _default.store is None:
            configure()
        return cast("Store", _default.store)


def replace_default_store(store: Store | None) -> Store | None:
    """Put *store* in the place of the process-wide one, and return that, unclosed."""
    global _hits, _now  # noqa: PLW0603 - the hit path reads module globals, which is the fastest there is
    with _default.lock:
        replaced, _default.store = _default.store, store
        _hits = {} if store is None else store._hits
        _now = _clock.now if store is None else store._clock
    return replaced


@overload
def get_secret(name: str, *, refresh: bool = ..., timeout: float | None = ...) -> MaskedStr: ...


@overload
def get_secret(
    name: str, *, default: D, refresh: bool = ..., timeout: float | None = ...
) -> MaskedStr | D: ...


def get_secret(
    name: str, *, default: D | Unset = UNSET, refresh: bool = False, timeout: float | None = None
) -> MaskedStr | D:
    """Return the value of a secret: a real `str` that is masked wherever it would be printed by accident.

    Args:
        name: A name such as ``pepipost/api_key``, or a reference such as ``vault://kv/email#api_key``.
        default: Returned if every link said "not there"; never on an error. `None` is a value like any other.
        refresh: Ask the backends, whatever is cached.
        timeout: Seconds for the whole chain; `None` for the configured 10.

    Raises:
        InvalidReference: The name breaks the grammar; nothing was asked.
        SecretNotFound: Every link looked, and none has it.
        AccessDenied: A link said no.
        BackendUnavailable: A link could not be reached, or was too late (`DeadlineExceeded`).
        InvalidResponse: A link's answer was no answer.
        ConfigError: The configuration is wrong (first use only).
        TypeError: The secret is binary; use `get_secret_bytes`.
    """
    try:
        hit = _hits[name]
        if _now() < hit.until and not refresh and hit.text is not None:
            hit.used = True
            return hit.text
    except (KeyError, TypeError):
        pass
    return _text(default_store().get(name, default=cast(D, default), refresh=refresh, timeout=timeout))


@overload
async def aget_secret(name: str, *, refresh: bool = ..., timeout: float | None = ...) -> MaskedStr: ...


@overload
async def aget_secret(
    name: str, *, default: D, refresh: bool = ..., timeout: float | None = ...
) -> MaskedStr | D: ...


async def aget_secret(
    name: str, *, default: D | Unset = UNSET, refresh: bool = False, timeout: float | None = None
) -> MaskedStr | D:
    """Do what `get_secret` does without blocking the event loop; a cached read never leaves its thread."""
    try:
        hit = _hits[name]
        if _now() < hit.until and not refresh and hit.text is not None:
            hit.used = True
            return hit.text
    except (KeyError, TypeError):
        pass
    return _text(await default_store().aget(name, default=cast(D, default), refresh=refresh, timeout=timeout))


@overload
def get_secret_bytes(name: str, *, refresh: bool = ..., timeout: float | None = ...) -> MaskedBytes: ...


@overload
def get_secret_bytes(
    name: str, *, default: D, refresh: bool = ..., timeout: float | None = ...
) -> MaskedBytes | D: ...


def get_secret_bytes(
    name: str, *, default: D | Unset = UNSET, refresh: bool = False, timeout: float | None = None
) -> MaskedBytes | D:
    """Return the value of a secret as bytes, for binary secrets; text is encoded as UTF-8.

    Arguments, defaults and errors are those of `get_secret`.
    """
    found = default_store().get(name, default=cast(D, default), refresh=refresh, timeout=timeout)
    from secretsource._secret import Secret  # noqa: PLC0415 - loaded by now

    return found.value_bytes if isinstance(found, Secret) else found


def get_secrets(
    names: Iterable[str], *, refresh: bool = False, timeout: float | None = None
) -> dict[str, MaskedStr]:
    """Return the values of several names, asking the backends side by side.

    Args:
        names: Names or references; the result is in their order, each once.
        refresh: Ask the backends, whatever is cached.
        timeout: Seconds for all of it; `None` for the configured 10.

    Raises:
        SecretSourceError: The first name that has no value, as `get_secret` would; its notes name the others.
    """
    found = default_store().get_many(names, refresh=refresh, timeout=timeout)
    return {name: each.value for name, each in found.items()}


def get_fields(name: str, *, refresh: bool = False, timeout: float | None = None) -> Mapping[str, MaskedStr]:
    """Return every field of a document, such as ``db/primary``, all of one version.

    Where a backend has no documents (env, dotenv, files, Conjur) the names below that path are gathered in one round,
    and no version joins them.

    Args:
        name: The path of the document, or a reference without a field.
        refresh: Ask the backends, whatever is cached.
        timeout: Seconds for the whole chain; `None` for the configured 10.

    Raises:
        SecretSourceError: As `get_secret`.
        TypeError: A field is binary; use `Store.get_fields`.
    """
    found = default_store().get_fields(name, refresh=refresh, timeout=timeout)
    binary = [field for field, value in found.items() if isinstance(value, bytes)]
    if binary:
        raise TypeError(f"{name!r} has binary fields ({', '.join(binary)}): use default_store().get_fields()")
    return cast("Mapping[str, MaskedStr]", found)


def prefetch(names: Iterable[str], *, timeout: float | None = None) -> None:
    """Read several names into the cache, at start-up, so that the first request finds them there.

    Args:
        names: Names or references.
        timeout: Seconds for all of it; `None` for the configured 10.

    Raises:
        SecretSourceError: The first name that has no value; its notes name the others.
    """
    default_store().get_many(names, timeout=timeout)


def attempts(name: str, *, on: On, wait: float = 0.0, timeout: float | None = None) -> Attempts[MaskedStr]:
    """Return a loop of ``with`` blocks that use a secret, and once more with the newer value if it is refused.

        for attempt in attempts("pepipost/api_key", on=Unauthorized):
            with attempt as key:
                send(key)

    In coroutines write ``async for`` and ``async with``.

    Args:
        name: A name or a reference.
        on: The exceptions of a block that mean "refused": a class, a tuple of classes, or a function that is given the
            exception. If there is no other value, the exception is raised as it is.
        wait: Seconds, 0 or more, to wait for another value; see `Store.reject`.
        timeout: Seconds for each read; `None` for the configured 10.

    Raises:
        TypeError: *on* is none of these.
        ValueError: *wait* is no number of seconds.
    """
    from secretsource._attempts import Attempts  # noqa: PLC0415 - see the top of this file

    return Attempts(default_store(), name, on=on, wait=wait, timeout=timeout, view=_value)


def on_rotation(name: str, callback: Callable[[Secret, Secret], object]) -> Callable[[], None]:
    """Call *callback* with the old and the new secret, once after each change of *name*; see `Store.on_rotation`.

    It belongs to the process-wide store of now: call `configure` before, not after.

    Args:
        name: A name or a reference.
        callback: A plain function that takes two secrets; called on a thread of the store's own.

    Returns:
        A function that ends it.

    Raises:
        InvalidReference: The name breaks the grammar.
        TypeError: *callback* cannot be called, or is a coroutine function.
    """
    return default_store().on_rotation(name, callback)


class SecretHandle:
    """A callable that reads its secret on each call, for libraries that take one: ``password=secret("db/password")``.

    It holds a name and no value, so it may be kept, shown and pickled.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Remember the name; nothing is read."""
        self.name = name

    def __call__(self) -> MaskedStr:
        """Return the value of now, as `get_secret` does."""
        return get_secret(self.name)

    def __repr__(self) -> str:
        """Return the name."""
        return f"secret({self.name!r})"

    def __eq__(self, other: object) -> bool:
        """Whether *other* reads the same name."""
        return isinstance(other, SecretHandle) and self.name == other.name

    def __hash__(self) -> int:
        """Return the hash of the name."""
        return hash((SecretHandle, self.name))


def secret(name: str) -> SecretHandle:
    """Return a callable that reads *name* on each call, so that a rotated value is used at once.

    Raises:
        InvalidReference: The name breaks the grammar.
    """
    from secretsource._reference import check_name, is_reference, parse_reference  # noqa: PLC0415

    parse_reference(name) if is_reference(name) else check_name(name)
    return SecretHandle(name)


def _value(found: Secret) -> MaskedStr:
    return found.value


def _text(found: Secret | D) -> MaskedStr | D:
    from secretsource._secret import Secret  # noqa: PLC0415 - loaded by now

    return found.value if isinstance(found, Secret) else found
