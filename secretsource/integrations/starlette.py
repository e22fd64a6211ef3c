"""Starlette: a lifespan that reads secrets first, settings that are secrets, and what clients are told of an outage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from secretsource import SecretNotFound, Store, default_store, secret
from secretsource.integrations._lifespan import secrets_lifespan
from secretsource.integrations._needs import needs
from secretsource.integrations._text import text_of

with needs("Starlette", extra="starlette"):
    from starlette.config import Config, environ, undefined

    from secretsource.integrations._unavailable import backend_unavailable

__all__ = ["SecretConfig", "backend_unavailable", "secrets_lifespan"]


class SecretConfig(Config):
    """Starlette's ``Config``, where some settings are secrets.

        config = SecretConfig(".env", secrets={"PEPIPOST_KEY": "pepipost/api_key"})
        key = config("PEPIPOST_KEY", cast=Secret)

    A setting of *secrets* comes from the store alone, whatever the variables and the file hold; every other one is
    Starlette's business. A secret is read when the setting is: at import, where the settings are module constants.

    Args:
        env_file: As in Starlette: a file of ``KEY=value`` lines.
        environ: As in Starlette: the variables.
        env_prefix: As in Starlette: stands before every key.
        secrets: Which settings are secrets: the name or reference of each, by its key as it is written in the
            variables, with the prefix.
        store: Where they are read; `None` for the process-wide store of the moment.
        **options: What else Starlette's takes, such as ``encoding``.

    Raises:
        InvalidReference: A name breaks the grammar.
    """

    def __init__(
        self,
        env_file: str | Path | None = None,
        environ: Mapping[str, str] = environ,
        env_prefix: str = "",
        *,
        secrets: Mapping[str, str],
        store: Store | None = None,
        **options: Any,
    ) -> None:
        super().__init__(env_file, environ, env_prefix, **options)
        self._secrets: Final = {key: secret(name).name for key, name in secrets.items()}
        self._store: Final = store

    def get(self, key: str, cast: Callable[[Any], Any] | None = None, default: Any = undefined) -> Any:
        """Return a setting.

        Args:
            key: Its key, without the prefix.
            cast: What makes the setting of the text: ``bool``, ``Secret``, ``CommaSeparatedStrings``, any callable.
            default: For a secret: returned if every link of the chain said "not there"; never on an error.

        Raises:
            SecretSourceError: The secret has no value, or a binary one.
            ValueError: *cast* refuses the value; the message does not show it.
            KeyError: A setting that is no secret is missing.
        """
        name = self._secrets.get(self.env_prefix + key)
        if name is None:
            return super().get(key, cast, default)
        store = default_store() if self._store is None else self._store
        try:
            value: Any = text_of(store.get(name))
        except SecretNotFound:
            if default is undefined:
                raise
            value = default
        try:
            return Config(environ={key: value}).get(key, cast)
        except ValueError:
            pass  # said below, outside the handler: Starlette's message has the value
        kind = getattr(cast, "__name__", "value")
        raise ValueError(f"Config {self.env_prefix + key!r}: the secret {name!r} is not a valid {kind}.")
