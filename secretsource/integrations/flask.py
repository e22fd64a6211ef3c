"""Flask: settings that are secrets, read whenever the app's config is asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secretsource import SecretHandle, Store, default_store, secret
from secretsource.integrations._needs import needs
from secretsource.integrations._outage import log_outage

with needs("Flask", extra="flask"):
    from flask import Flask
    from werkzeug.exceptions import ServiceUnavailable

    from secretsource.integrations._flask_config import OLD_KEYS, handles_in, let_read

__all__ = ["SecretSource", "backend_unavailable"]

_KEY: Final = "secretsource"


class SecretSource:
    """Lets settings of a Flask app be secrets: each is read when somebody asks the app's config for it.

        app.config["PEPIPOST_KEY"] = secret("pepipost/api_key")
        SecretSource(app)

        current_app.config["PEPIPOST_KEY"]  # the value of now

    A setting is a secret where a ``secret(…)`` stands, also in a list, a tuple, a set or a dictionary, whether it was
    put there before or after. A handle that has a store of its own, as those of settings classes may have, is read
    from there. ``app.config`` remains the object that it was, and shows names where it is printed. A setting
    that is a secret has a value or raises, as `Store.get` does; ``config.get`` never returns its default for one. Only
    the secrets in ``SECRET_KEY_FALLBACKS`` are left out where they are not there.

    Args:
        app: The app; without it, call `init_app`.
        secrets: Settings that are secrets: the name or reference of each. They replace what the config has.
        store: Where they are read; `None` for the process-wide store of the moment.

    Raises:
        InvalidReference: A name breaks the grammar.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        store: Store | None = None,
    ) -> None:
        self._secrets: Final = {key: secret(name) for key, name in (secrets or {}).items()}
        self._store: Final = store
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Let the settings of *app* be secrets from now on; nothing is read yet.

        Call it before other extensions, which read their settings when they get the app.

        Raises:
            RuntimeError: The app has a `SecretSource` already.
        """
        if _KEY in app.extensions:
            raise RuntimeError("this app has a SecretSource already")
        app.extensions[_KEY] = self
        let_read(app.config, lambda: self.store)
        app.config.update(self._secrets)

    def prefetch(self, app: Flask, *, timeout: float | None = None) -> None:
        """Read every secret of the config into the cache: at the end of ``create_app``, so that a wrong name is told.

        Args:
            app: The app.
            timeout: Seconds for all of them; `None` for the store's. Handles that have a store of their own are read
                after that, within the time of that store.

        Raises:
            SecretSourceError: The first name that has no value; its notes name the others.
        """
        stored = [value for key, value in dict.items(app.config) if key != OLD_KEYS]
        found = list(handles_in(stored))
        names = dict.fromkeys(each.name for each in found if type(each) is SecretHandle)
        self.store.get_many(names, timeout=timeout)
        for each in found:
            if type(each) is not SecretHandle:
                each()

    @property
    def store(self) -> Store:
        """Where it reads now."""
        return default_store() if self._store is None else self._store


def backend_unavailable(error: Exception) -> ServiceUnavailable:
    """Answer 503, with nothing in it about secrets.

        app.register_error_handler(BackendUnavailable, backend_unavailable)

    Without it, an outage is Flask's 500, as every exception that nobody handles. A denial and a missing secret should
    stay that: to try again does not help there. ``Retry-After`` is sent where the backend said how long it needs. The
    error itself is logged as an ERROR of the logger ``secretsource``.

    Args:
        error: What was raised.
    """
    return ServiceUnavailable(retry_after=log_outage(error))
