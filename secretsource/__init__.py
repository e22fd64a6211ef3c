"""secretsource takes hardcoded keys out of applications: ``get_secret("pepipost/api_key")`` gives the key.

From an environment variable or ``.env`` on a laptop, from AWS Secrets Manager, HashiCorp Vault (OpenBao) or CyberArk
Conjur in production, through one ordered chain with a cache. Nothing happens at import: no I/O, no thread, no client
library. The names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secretsource._attempts import Attempt, Attempts
    from secretsource._chain import Link
    from secretsource._config import Config, SecretConfig
    from secretsource._default import (
        SecretHandle,
        aget_secret,
        attempts,
        configure,
        default_store,
        get_fields,
        get_secret,
        get_secret_bytes,
        get_secrets,
        on_rotation,
        prefetch,
        secret,
    )
    from secretsource._findings import Check, LinkCheck, NameCheck
    from secretsource._masked import MaskedBytes, MaskedStr
    from secretsource._secret import Document, NotThere, Secret
    from secretsource._store import Explanation, Store
    from secretsource.errors import (
        AccessDenied,
        BackendUnavailable,
        ConfigError,
        DeadlineExceeded,
        InvalidReference,
        InvalidResponse,
        InvalidValue,
        MissingDependency,
        Outcome,
        Reason,
        ResolverError,
        SecretNotFound,
        SecretSourceError,
        Step,
        WriteConflict,
    )
    from secretsource.resolvers import Deadline, Location, Resolver

    __version__: str

__all__ = [
    "AccessDenied",
    "Attempt",
    "Attempts",
    "BackendUnavailable",
    "Check",
    "Config",
    "ConfigError",
    "Deadline",
    "DeadlineExceeded",
    "Document",
    "Explanation",
    "InvalidReference",
    "InvalidResponse",
    "InvalidValue",
    "Link",
    "LinkCheck",
    "Location",
    "MaskedBytes",
    "MaskedStr",
    "MissingDependency",
    "NameCheck",
    "NotThere",
    "Outcome",
    "Reason",
    "Resolver",
    "ResolverError",
    "Secret",
    "SecretConfig",
    "SecretHandle",
    "SecretNotFound",
    "SecretSourceError",
    "Step",
    "Store",
    "WriteConflict",
    "__version__",
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
    "secret",
]

_HOMES = {
    "errors": (
        "AccessDenied BackendUnavailable ConfigError DeadlineExceeded InvalidReference InvalidResponse "
        "InvalidValue MissingDependency Outcome Reason ResolverError SecretNotFound SecretSourceError Step "
        "WriteConflict"
    ),
    "resolvers": "Deadline Location Resolver",
    "_attempts": "Attempt Attempts",
    "_chain": "Link",
    "_config": "Config SecretConfig",
    "_default": (
        "SecretHandle aget_secret attempts configure default_store get_fields get_secret get_secret_bytes "
        "get_secrets on_rotation prefetch secret"
    ),
    "_findings": "Check LinkCheck NameCheck",
    "_masked": "MaskedBytes MaskedStr",
    "_secret": "Document NotThere Secret",
    "_store": "Explanation Store",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that importing the package costs next to nothing."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("secretsource")
    for module, names in _HOMES.items():
        if name in names.split():
            from importlib import import_module  # noqa: PLC0415

            value: object = getattr(import_module(f"secretsource.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'secretsource' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
