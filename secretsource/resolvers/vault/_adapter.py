"""hvac's side of a request: an adapter that hvac's own API classes speak through.

It is made anew for each call, so that no token is shared between threads, and it knows beforehand which path the call
must have. Imported only where a client is built, as it imports hvac.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hvac import adapters

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes, MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._http import Request
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply
from secretsource.resolvers.vault._paths import is_exactly
from secretsource.resolvers.vault._transport import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Base = adapters.Adapter[Reply | ResolverError]
else:
    _Base = adapters.Adapter

__all__ = ["CallAdapter"]


class CallAdapter(_Base):
    """Sends what one hvac call asks for, and returns the reply as it is, whatever its status, or why there is none.

    Nothing is raised: local variables of hvac's methods hold credentials, and an exception would carry their frames.

    Args:
        transport: The connections.
        path: The only path that may be asked for, decoded, starting with ``/v1/``.
        token: The token to send; `None` or an empty one for none.
        deadline: When the answer is wanted.
        namespaced: Whether the namespace of the settings is meant, and not the root.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        token: MaskedStr | None,
        deadline: Deadline,
        *,
        namespaced: bool = True,
    ) -> None:
        # Not the parent's: it would make a requests session, which follows redirects and reads .netrc.
        self._transport = transport
        self._path = path
        self._call_token = token
        self._deadline = deadline
        self._namespace = transport.settings.namespace if namespaced else None

    def get_login_token(self, response: Reply | ResolverError) -> str:
        """Refuse: the token of a login is read by our own code.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,  # noqa: ARG002 - hvac's signature
        **kwargs: object,
    ) -> Reply | ResolverError:
        """Send one request.

        Args:
            method: An HTTP method, in any case.
            url: The path, percent-encoded by hvac.
            headers: More headers.
            raise_exception: Of no meaning here: nothing is raised.
            **kwargs: ``params`` for the query, ``json`` for the body; bytes are sent as they are.
        """
        if not is_exactly(url, self._path):
            return resolver_error(Reason.BROKEN, "a request for another path was not sent")
        params, body = kwargs.get("params"), kwargs.get("json")
        query = "?" + urlencode(params) if isinstance(params, dict) and params else ""
        request = Request(
            method=method.upper(),
            path=url + query,
            headers=self._headers(dict(headers or {}), has_body=body is not None),
            body=body
            if body is None or isinstance(body, MaskedBytes)
            else MaskedBytes(json.dumps(body), "utf-8"),
            limit=self._transport.settings.max_bytes + MAX_BODY_OVERHEAD,
        )
        return self._transport.exchange(request, self._deadline)

    def _headers(self, headers: dict[str, str], *, has_body: bool) -> dict[str, str]:
        headers |= {"Accept": "application/json", "User-Agent": "secretsource", "X-Vault-Request": "true"}
        if self._namespace is not None:
            headers["X-Vault-Namespace"] = self._namespace
        if self._call_token:
            headers["X-Vault-Token"] = self._call_token
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers
