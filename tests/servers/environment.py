"""The environment of whoever runs tests or the demonstration: what of it would change what they see."""

from __future__ import annotations

import os

__all__ = ["NO_METADATA", "forget_settings"]

NO_METADATA = "AWS_EC2_METADATA_DISABLED"
"""The variable that keeps boto3 from asking the machine itself, at an address that is not on loopback."""

_PREFIXES = ("AWS_", "BAO_", "CONJUR_", "DEMO_", "PEPIPOST_", "SECRETSOURCE_", "STRIPE_", "VAULT_")
_NAMES = frozenset(
    {"CLICOLOR_FORCE", "COLUMNS", "CREDENTIALS_DIRECTORY", "FORCE_COLOR", "NO_COLOR", "NETRC"}
    | {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
)


def forget_settings() -> None:
    """Take the variables that configure a backend, a proxy, a terminal or ourselves out of this process."""
    for variable in list(os.environ):
        if variable.upper() in _NAMES or variable.startswith(_PREFIXES):
            del os.environ[variable]
    os.environ[NO_METADATA] = "true"
