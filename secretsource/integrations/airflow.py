"""Airflow's connections, variables and configuration from secretsource: a secrets backend.

.. code-block:: ini

    [secrets]
    backend = secretsource.integrations.airflow.SecretSourceBackend
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, NoReturn, TypeVar, get_args

from secretsource import (
    Config,
    ConfigError,
    SecretNotFound,
    SecretSourceError,
    Store,
    configure,
    default_store,
)
from secretsource.integrations._airflow_connection import InvalidConnection, from_fields, from_text
from secretsource.integrations._needs import needs

with needs("Airflow", extra="airflow"):
    try:
        from airflow.sdk.bases.secrets_backend import BaseSecretsBackend  # type: ignore[import-not-found]
    except ImportError:  # before 3.2
        from airflow.secrets.base_secrets import BaseSecretsBackend  # type: ignore[import-not-found]

__all__ = ["InvalidConnection", "OnError", "SecretSourceBackend"]

OnError = Literal["stop", "next"]

V = TypeVar("V")

_SEGMENT: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.@+=-]+"
_ID: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX: Final = re.compile(rf"(?:[a-z][a-z0-9_-]*:///?)?(?:{_ID.pattern}/?)?")
_log: Final = logging.getLogger("secretsource")
_configured: dict[str, str] = {}


class SecretSourceBackend(BaseSecretsBackend):  # type: ignore[misc]
    """Looks up what Airflow asks for as ``{prefix}/{id}``; what is not there is left to Airflow's next backend.

    A denial, an outage and a secret that is no connection are not "not there". With ``on_error="stop"`` they end the
    lookup where Airflow can be stopped, which is since 3.2.2. Before, Airflow asks its next backend whatever a backend
    raises; an ERROR of the logger ``secretsource`` tells of it.

    Args:
        connections_prefix: Stands before the id of a connection: a name, a reference without a field such as
            ``aws://airflow/connections``, or ``""``. `None` leaves connections to the other backends.
        variables_prefix: The same for variables.
        config_prefix: The same for options of the configuration that end in ``_secret``.
        on_error: ``"stop"``, or ``"next"`` to let Airflow ask its next backend after a denial or an outage too.
        mask_variables: Whether values of variables are masked in the logs of tasks, whatever they are called.
        store: Where secrets are read; `None` for the process-wide store of the moment.
        **settings: What `secretsource.configure` takes. With any, the process-wide store is built of them.

    Raises:
        ConfigError: A prefix, *on_error* or a setting is wrong.
    """

    def __init__(
        self,
        connections_prefix: str | None = "airflow/connections",
        variables_prefix: str | None = "airflow/variables",
        config_prefix: str | None = "airflow/config",
        *,
        on_error: OnError = "stop",
        mask_variables: bool = True,
        store: Store | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        if on_error not in get_args(OnError):
            raise ConfigError(f"on_error must be one of {', '.join(get_args(OnError))}, not {on_error!r}")
        if store is not None and settings:
            raise ConfigError(f"pass a store or settings, not both: {', '.join(sorted(settings))}")
        self._connections = _checked("connections_prefix", connections_prefix)
        self._variables = _checked("variables_prefix", variables_prefix)
        self._config = _checked("config_prefix", config_prefix)
        self._stops = on_error == "stop"
        self._masks_variables = mask_variables
        self._given = store
        self._settings = settings
        if settings:
            Config.load(**settings)  # a wrong one is told when Airflow starts, not when a task does

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """Return a connection as a URI or as JSON, or `None` if it is not there.

        Args:
            conn_id: Its id.
            team_name: The team that asks, where there are several: its own connections come first.

        Raises:
            SecretSourceError: It could not be read, and Airflow is to ask its next backend.
            AirflowSecretsBackendAccessDenied: It could not be read, and Airflow is to stop.
        """
        return self._looked_up("connection", self._connections, conn_id, team_name, _connection)

    def get_connection(self, conn_id: str, team_name: str | None = None) -> Any:
        """Return what `get_conn_value` returns as Airflow's ``Connection``.

        Raises:
            SecretSourceError: As `get_conn_value`.
        """
        value = self.get_conn_value(conn_id, team_name)
        if value is None:
            return None
        connection = self._deserialized(conn_id, value)
        del value  # it is not in a frame of the traceback
        if connection is None:
            self._fail(
                "connection", conn_id, InvalidConnection(f"Airflow cannot read the URI of {conn_id!r}")
            )
        return connection

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """Return the value of a variable, or `None` if it is not there.

        Raises:
            SecretSourceError: As `get_conn_value`.
        """
        value = self._looked_up("variable", self._variables, key, team_name, _value)
        if value and self._masks_variables:
            _mask(value)
        return value

    def get_config(self, key: str) -> str | None:
        """Return the value of an option of the configuration, or `None` if it is not there.

        Raises:
            SecretSourceError: As `get_conn_value`.
        """
        return self._looked_up("option", self._config, key, None, _value)

    def _looked_up(
        self,
        kind: str,
        prefix: str | None,
        key: str,
        team: str | None,
        read: Callable[[Store, str], V | None],
    ) -> V | None:
        failure: SecretSourceError | None = None
        try:
            for name in _names(kind, prefix, key, team):
                found = read(self._store(), name)
                if found is not None:
                    return found
        except SecretSourceError as error:
            failure = error
        if failure is not None:
            self._fail(kind, key, failure)
        return None

    def _store(self) -> Store:
        if self._given is not None:
            return self._given
        if self._settings:
            # Airflow makes a backend for each lookup in some places; the store is built once in a process.
            settings = json.dumps(self._settings, sort_keys=True, default=repr)
            if _configured.get("settings") != settings:
                configure(**self._settings)
                _configured["settings"] = settings
        return default_store()

    def _fail(self, kind: str, key: str, failure: SecretSourceError) -> NoReturn:
        denied = _stops_airflow()
        if self._stops and denied is not None:
            raise denied(f"the {kind} {key!r} could not be read: {type(failure).__name__}: {failure}")
        _log.log(
            logging.ERROR if self._stops else logging.WARNING,
            "the %s %r could not be read, and Airflow asks its next backend: %s: %s",
            kind,
            key,
            type(failure).__name__,
            failure,
        )
        raise failure

    def _deserialized(self, conn_id: str, value: str) -> Any:
        """Return the connection, or nothing; what Airflow raises can hold the URI, and so does not leave this frame."""
        try:
            return self.deserialize_connection(conn_id=conn_id, value=value)
        except Exception:  # noqa: BLE001 - any class of connection may raise anything
            return None

    def __repr__(self) -> str:
        """Return the prefixes; the settings may hold credentials."""
        return f"SecretSourceBackend({self._connections!r}, {self._variables!r}, {self._config!r})"


def _checked(setting: str, prefix: str | None) -> str | None:
    """Return *prefix* as it stands before an id."""
    if prefix is None:
        return None
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"{setting} must be a name such as 'airflow/connections', a reference without a field such as "
            f"'aws://airflow/connections', or null, not {prefix!r}"
        )
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _names(kind: str, prefix: str | None, key: str, team: str | None) -> Iterator[str]:
    """Say where to look, the team's own first. An id that is no name cannot be there."""
    if prefix is None or not isinstance(key, str) or not _ID.fullmatch(key):
        return
    if team is not None and not re.fullmatch(_SEGMENT, team):
        return
    if kind != "option" and "/" in key and _has_teams():
        _log.warning(
            "the %s %r is not looked up: among several teams it could name another team's", kind, key
        )
        return
    if team is not None:
        yield f"{prefix}{team}/{key}"
    yield f"{prefix}{key}"


def _connection(store: Store, name: str) -> str | None:
    secret = store.get(name, default=None)
    if secret is not None:
        return from_text(name, secret.value)
    try:
        fields = store.get_fields(name)
    except SecretNotFound:
        return None
    return from_fields(name, fields)


def _value(store: Store, name: str) -> str | None:
    secret = store.get(name, default=None)
    # A plain text: Airflow hands it to other processes, and masks it in logs itself.
    return None if secret is None else secret.value.reveal()


def _stops_airflow() -> type[Exception] | None:
    """Return what Airflow takes as the last word of a backend; imported late, as Airflow imports us while it starts."""
    try:
        from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied  # type: ignore[import-not-found]
    except ImportError:
        return None
    return AirflowSecretsBackendAccessDenied  # type: ignore[no-any-return]


def _mask(value: str) -> None:
    try:
        from airflow.sdk.log import mask_secret  # type: ignore[import-not-found]
    except ImportError:  # Airflow 2
        from airflow.utils.log.secrets_masker import mask_secret  # type: ignore[import-not-found]
    mask_secret(value)


def _has_teams() -> bool:
    try:
        from airflow.sdk.configuration import conf  # type: ignore[import-not-found]
    except ImportError:  # Airflow 2
        from airflow.configuration import conf  # type: ignore[import-not-found]
    return bool(conf.getboolean("core", "multi_team", fallback=False))
