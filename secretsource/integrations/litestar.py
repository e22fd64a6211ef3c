"""Litestar: a plugin that gives secrets to handlers as dependencies, and reads them before the first request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from secretsource import MaskedStr, Store, default_store, secret
from secretsource.integrations._lifespan import checked_names, secrets_lifespan
from secretsource.integrations._needs import needs
from secretsource.integrations._outage import log_outage
from secretsource.integrations._text import text_of

with needs("Litestar", extra="litestar"):
    from litestar import Request, Response
    from litestar.di import Provide
    from litestar.exceptions import ImproperlyConfiguredException
    from litestar.plugins import InitPlugin

if TYPE_CHECKING:
    from litestar.config.app import AppConfig

__all__ = ["SecretSourcePlugin", "backend_unavailable", "provide_secret"]


def provide_secret(name: str, *, store: Store | None = None) -> Provide:
    """Return a dependency whose value is that of a secret, for ``dependencies=`` of a handler, router or controller.

        @post("/mails", dependencies={"pepipost_key": provide_secret("pepipost/api_key")})
        async def send(pepipost_key: str) -> None: ...

    It is read for each request, from the cache as a rule; it never blocks the event loop, and a cached read needs no
    thread. A read that fails raises what `Store.get` raises; a binary secret is an `InvalidValue`.

    Args:
        name: A name or a reference.
        store: Where it is read; `None` for the process-wide store of the moment.

    Raises:
        InvalidReference: The name breaks the grammar.
    """
    checked = secret(name).name

    async def read() -> MaskedStr:
        return text_of(await (default_store() if store is None else store).aget(checked))

    return Provide(read)


class SecretSourcePlugin(InitPlugin):
    """Gives secrets to every handler that asks for them by the name of a parameter.

        app = Litestar([send], plugins=[SecretSourcePlugin({"pepipost_key": "pepipost/api_key"})])

    All of them are read before the first request; if one has no value the application does not start. After the last
    request the store's connections are closed and its leases given back.

    Args:
        secrets: The name or reference of each secret, by the name of the dependency.
        prefetch: More names to read before the first request, such as those that are read with ``aget_secret``.
        store: Where they are read; `None` for the process-wide store of the moment.
        timeout: Seconds for the reads at the start; `None` for the store's.

    Raises:
        InvalidReference: A name breaks the grammar.
    """

    def __init__(
        self,
        secrets: Mapping[str, str] | None = None,
        *,
        prefetch: Iterable[str] = (),
        store: Store | None = None,
        timeout: float | None = None,
    ) -> None:
        extra = checked_names(prefetch)
        self._secrets: Final = dict(secrets or {})
        self._dependencies: Final = {
            key: provide_secret(name, store=store) for key, name in self._secrets.items()
        }
        self._lifespan: Final = secrets_lifespan(
            [*self._secrets.values(), *extra], store=store, timeout=timeout
        )

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the dependencies, and the reads at the start before what else the application starts with.

        Raises:
            ImproperlyConfiguredException: The application has another dependency of the same name.
        """
        taken = sorted(self._dependencies.keys() & app_config.dependencies.keys())
        if taken:
            raise ImproperlyConfiguredException(
                f"the application has dependencies of its own that are named {', '.join(taken)}"
            )
        app_config.dependencies.update(self._dependencies)
        app_config.lifespan.insert(0, self._lifespan)
        return app_config

    def __repr__(self) -> str:
        """Return the names, no value."""
        return f"SecretSourcePlugin({self._secrets!r})"


def backend_unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answer 503, with nothing in it about secrets.

        app = Litestar([send], exception_handlers={BackendUnavailable: backend_unavailable})

    Without it, an outage is Litestar's 500, as every exception that nobody handles. A denial and a missing secret
    should stay that: to try again does not help there. ``Retry-After`` is sent where the backend said how long it
    needs. The error itself is logged as an ERROR of the logger ``secretsource``.

    Args:
        request: The request.
        error: What was raised.
    """
    del request
    seconds = log_outage(error)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return Response({"status_code": 503, "detail": "Service Unavailable"}, status_code=503, headers=headers)
