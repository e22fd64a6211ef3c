"""The token that shows an agent on this machine that a request is no forged one."""

from __future__ import annotations

import os

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._file import read_file
from secretsource.resolvers._trust import why_not_trusted
from secretsource.resolvers.aws._agent_settings import AgentSettings

__all__ = ["AgentToken"]

_USUAL_FILE = "/var/run/awssmatoken"
_VARIABLE = "AWS_TOKEN"
_LAMBDA_VARIABLE = "AWS_SESSION_TOKEN"
_FILE_SCHEME = "file://"
_LONGEST = 64 * 1024  # bytes


class AgentToken:
    """Finds the token, and keeps one that was read from a file until it is refused.

    Args:
        settings: Which agent it is for.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._known: MaskedStr | None = None

    def current(self) -> MaskedStr | Failure:
        """Return the token, or why there is none.

        Raises:
            ResolverError: Its file cannot be read.
        """
        if self._known is None:
            found = self._found()
            if isinstance(found, Failure):
                return found
            self._known = found
        return self._known

    def newer(self, refused: MaskedStr) -> MaskedStr | None:
        """Return another token than *refused*, or `None` if there is no other.

        Raises:
            ResolverError: Its file cannot be read.
        """
        found = self._found()
        if isinstance(found, Failure) or found == refused:
            return None
        self._known = found
        return found

    def _found(self) -> MaskedStr | Failure:
        if self._settings.transport == "lambda":
            return _of_variable(_LAMBDA_VARIABLE) or Failure(
                Reason.DENIED,
                f"{_LAMBDA_VARIABLE} is not set: the extension is there in functions of Lambda alone",
            )
        if self._settings.token_file is None and (token := _of_variable(_VARIABLE)) is not None:
            if isinstance(token, Failure) or not token.startswith(_FILE_SCHEME):
                return token
            return _of_file(token.removeprefix(_FILE_SCHEME), _VARIABLE)
        return _of_file(self._settings.token_file or _USUAL_FILE, "token_file")


def _of_variable(name: str) -> MaskedStr | Failure | None:
    text = MaskedStr(os.environ.get(name, "").strip())
    return _checked(text, f"the variable {name}") if text else None


def _of_file(path: str, named_by: str) -> MaskedStr | Failure:
    read = read_file(path, limit=_LONGEST)
    if read is None:
        return Failure(
            Reason.DENIED, f"the agent's token is not at {shown(path)}: start the agent, or check {named_by}"
        )
    content, status = read
    if doubt := why_not_trusted(path, status, named=True):
        return Failure(Reason.DENIED, f"the agent's token in {doubt}")
    return _checked(MaskedStr(content.decode("latin-1").strip()), f"the file {shown(path)}")


def _checked(token: MaskedStr, where: str) -> MaskedStr | Failure:
    """Return the token; no other text is put into a header, as its refusal would show it."""
    if token and token.isascii() and token.isprintable():
        return token
    return Failure(Reason.DENIED, f"{where} holds no token of an agent")
