"""All that the first use of a client of AWS imports; see `PerProcess`."""

from __future__ import annotations

__all__ = ["MODULES"]

MODULES = (
    "botocore.config",
    "botocore.exceptions",
    "encodings.idna",
    "pkgutil",
    "secretsource.resolvers._aws._session",
)
