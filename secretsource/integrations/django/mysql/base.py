"""Django's engine for MySQL and MariaDB, with a user and password that are read for each new connection."""

from __future__ import annotations

from typing import Any

from secretsource.integrations._needs import needs
from secretsource.integrations.django.engine import SecretClient, SecretLogin, resolved

with needs("Django", extra="django"):
    from django.db.backends.mysql import base, client, creation

__all__ = ["DatabaseClient", "DatabaseCreation", "DatabaseWrapper", "MySQLLogin"]


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


class DatabaseWrapper(MySQLLogin, base.DatabaseWrapper):
    """A connection to MySQL or MariaDB whose ``USER`` and ``PASSWORD`` may be secrets."""
