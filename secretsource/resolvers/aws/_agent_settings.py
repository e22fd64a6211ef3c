"""Where a cache of AWS's own is on this machine, and what its token is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from secretsource.errors import ConfigError
from secretsource.resolvers._address import Address, hidden, parse_address

__all__ = ["AgentSettings", "agent_settings", "check_alone"]

_TRANSPORTS = ("agent", "lambda")
_WHAT = {
    "agent": "the AWS Secrets Manager Agent",
    "lambda": "the AWS Parameters and Secrets Lambda Extension",
}
_PORT = "2773"
_PORT_VARIABLE = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What the configuration says of it.

    Attributes:
        transport: ``agent`` or ``lambda``.
        address: Where it listens, on loopback.
        token_file: The file with its token; `None` for the usual one.
    """

    transport: str
    address: Address
    token_file: str | None

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return _WHAT[self.transport]

    @property
    def has_ping(self) -> bool:
        """Whether it says of itself that it is well."""
        return self.transport == "agent"

    @property
    def has_refresh(self) -> bool:
        """Whether it can be told to read anew."""
        return self.transport == "agent"


def check_alone(**settings: object) -> None:
    """Check that no setting is given that says how AWS is asked: the agent asks it, as itself.

    Raises:
        ConfigError: One is.
    """
    given = [name for name, value in settings.items() if value is not None and value is not False]
    if given:
        raise ConfigError(
            f"the {given[0]} for AWS does not go with transport: the agent has its own configuration; leave one out"
        )


def agent_settings(transport: object, endpoint_url: object, token_file: object) -> AgentSettings:
    """Return the checked settings.

    Raises:
        ConfigError: One of them is wrong.
    """
    if transport not in _TRANSPORTS:
        raise ConfigError("the transport for AWS must be 'agent' or 'lambda', or left out")
    if token_file is not None and (transport != "agent" or not isinstance(token_file, str) or not token_file):
        raise ConfigError(
            'the token_file for AWS must be the path of a file, and belongs to transport = "agent"'
        )
    return AgentSettings(
        transport=str(transport),
        address=_address(str(transport), endpoint_url),
        token_file=None if token_file is None else os.path.expanduser(str(token_file)),
    )


def _address(transport: str, endpoint_url: object) -> Address:
    """Return where it listens; by default where no other than IPv4's loopback address is asked, as it is the one."""
    if endpoint_url is None:
        port = os.environ.get(_PORT_VARIABLE, _PORT) if transport == "lambda" else _PORT
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ConfigError(f"{_PORT_VARIABLE} is no port")
        return Address(scheme="http", host="127.0.0.1", port=int(port))
    if not isinstance(endpoint_url, str):
        raise ConfigError(f"{_SETTING} must be one address, as there is one agent")
    address = parse_address(hidden(endpoint_url), _SETTING)
    if address.tls:
        raise ConfigError(f"{_SETTING} must be http on this machine, where transport = {transport!r} listens")
    return address


_SETTING = "the endpoint_url for AWS"
