"""What makes a database engine of Django read its user and password for each new connection.

`postgresql` and `mysql` beside this module are made of it, and so is an engine of your own: a package with a module
``base`` that has a `DatabaseWrapper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from secretsource.integrations._bare import bared
from secretsource.integrations._login import Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._refused import is_refused
from secretsource.integrations.django._lazy import LazySecret

with needs("Django", extra="django"):
    from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper as _Wrapper
    from django.db.backends.base.client import BaseDatabaseClient as _Client
else:
    _Wrapper = _Client = object

__all__ = ["SecretClient", "SecretLogin", "as_params", "login_of", "resolved"]


class SecretLogin(_Wrapper):
    """The first base of a `DatabaseWrapper`: ``USER`` and ``PASSWORD`` may be secrets.

    They are read for each new connection, both of one version. If the server refuses them, they are read anew, and
    where there are others, the connection is opened with those. A request does not see that.

    A subclass for another database says what a refusal is with `is_refused`.
    """

    def is_refused(self, error: Exception) -> bool:
        """Whether *error*, of a new connection, means that the server does not accept the user and password.

        It knows PostgreSQL, MySQL and MariaDB.
        """
        return is_refused(error)

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters without those that are read for each connection."""
        table = self.settings_dict
        if login_of(table) is not None:
            # Django looks whether they are set, which would read them: also for a pool that has connections.
            self.settings_dict = {key: _unless_read(key, value) for key, value in table.items()}
        try:
            params: dict[str, Any] = super().get_connection_params()
        finally:
            self.settings_dict = table
        return {key: _current(value) for key, value in params.items()}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection with the user and password of now.

        Raises:
            SecretSourceError: They cannot be read.
        """
        login = login_of(self.settings_dict)
        if login is None or getattr(self, "pool", None):  # a pool logs in itself
            return super().get_new_connection(conn_params)
        return login.connect(lambda credentials: self._opened(conn_params, credentials), self.is_refused)

    def _opened(self, conn_params: dict[str, Any], credentials: Credentials) -> Any:
        params = {**conn_params, **as_params(credentials)}
        with bared():
            return super().get_new_connection(params)


class SecretClient(_Client):
    """The first base of a `DatabaseClient`, for ``manage.py dbshell``."""

    @classmethod
    def settings_to_cmd_args_env(cls, settings_dict: dict[str, Any], parameters: Iterable[str]) -> Any:
        """Return the command and its variables, with the user and password of now."""
        return super().settings_to_cmd_args_env(resolved(settings_dict), parameters)


def login_of(settings_dict: Mapping[str, Any]) -> Login | None:
    """Return what reads the login of a database; `None` if its password is no secret.

    Raises:
        ImproperlyConfigured: User and password are read from different stores.
    """
    user, password = settings_dict["USER"], settings_dict["PASSWORD"]
    if not isinstance(password, LazySecret):
        return None
    if not isinstance(user, LazySecret):
        return Login(password.name, store=password.store)
    if user.store is not password.store:
        raise ImproperlyConfigured("DATABASES: let USER and PASSWORD be read from the same store")
    return Login(password.name, user=user.name, store=password.store)


def resolved(settings_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a database with the values of now in the place of secrets.

    Raises:
        SecretSourceError: One cannot be read.
    """
    login = login_of(settings_dict)
    read = {} if login is None else as_params(login.read())
    return {key: _current(value) for key, value in settings_dict.items()} | {
        key.upper(): value for key, value in read.items()
    }


def as_params(credentials: Credentials) -> dict[str, Any]:
    """Return what was read as parameters of a connection."""
    params = {"user": credentials.user, "password": credentials.password}
    return {key: value for key, value in params.items() if value is not None}


def _current(value: object) -> object:
    if not isinstance(value, LazySecret):
        return value
    return str(value) if value else ""  # an empty host, as Django has it


def _unless_read(key: str, value: object) -> object:
    return "" if key in ("USER", "PASSWORD") and isinstance(value, LazySecret) else value
