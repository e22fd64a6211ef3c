"""Django's engine for MySQL and MariaDB, with a user and password that are read for each new connection."""

from __future__ import annotations

from typing import Any, Final

from secretsource.integrations._needs import needs
from secretsource.integrations.django.engine import SecretClient, SecretLogin, resolved

with needs("Django", extra="django"):
    from django.db.backends.mysql import base, client, creation

__all__ = ["DatabaseClient", "DatabaseCreation", "DatabaseWrapper", "MySQLLogin"]

_REFUSED: Final = {
    1045,  # wrong user or password
    1698,  # no password was sent
    1862,  # the password is over
    3118,  # the account is locked: MySQL
    4151,  # the account is locked: MariaDB
}


class DatabaseClient(SecretClient, client.DatabaseClient):
    """Starts ``mysql``."""


class DatabaseCreation(creation.DatabaseCreation):
    """Makes databases for tests."""

    def _clone_db(self, source_database_name: str, target_database_name: str) -> None:
        # Django gives the settings to mysqldump as they are.
        settings = self.connection.settings_dict
        self.connection.settings_dict = resolved(settings)
        try:
            super()._clone_db(source_database_name, target_database_name)  # type: ignore[misc]  # not in the stubs
        finally:
            self.connection.settings_dict = settings


class MySQLLogin(SecretLogin):
    """What `DatabaseWrapper` adds, for other engines of MySQL, such as GeoDjango's."""

    client_class: Any = DatabaseClient
    creation_class: Any = DatabaseCreation

    def is_refused(self, error: Exception) -> bool:
        """Whether *error* means that the server does not accept the user and password."""
        refusal = base.Database.OperationalError  # type: ignore[attr-defined]  # not in the stubs
        return isinstance(error, refusal) and error.args[:1] and error.args[0] in _REFUSED


class DatabaseWrapper(MySQLLogin, base.DatabaseWrapper):
    """A connection to MySQL or MariaDB whose ``USER`` and ``PASSWORD`` may be secrets."""
