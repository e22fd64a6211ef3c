"""The types of the integration with Django, as a project's type checker sees them. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from django.db.backends.postgresql import base

from secretsource import Store
from secretsource.integrations.django import Fallbacks, LazySecret, fallbacks, secret
from secretsource.integrations.django.apps import SecretsourceConfig
from secretsource.integrations.django.engine import SecretLogin
from secretsource.integrations.django.mysql.base import DatabaseWrapper as MySQL
from secretsource.integrations.django.postgresql.base import DatabaseWrapper, PostgresLogin

# Settings

SECRET_KEY = secret("django/secret_key")
assert_type(SECRET_KEY, LazySecret)
assert_type(SECRET_KEY.name, str)
assert_type(str(SECRET_KEY), str)
assert_type(f"Bearer {SECRET_KEY}", str)
assert_type("Bearer " + SECRET_KEY, str)
assert_type(SECRET_KEY[:4], str)
assert_type(len(SECRET_KEY), int)

SECRET_KEY_FALLBACKS = fallbacks("django/secret_key_new", "django/secret_key_old")
assert_type(SECRET_KEY_FALLBACKS, Fallbacks)
keys: list[str | LazySecret] = SECRET_KEY_FALLBACKS

text: str = secret("a")  # type: ignore[assignment]  # it is no str; write str(…)
secret(b"a")  # type: ignore[arg-type]
secret("a", None)  # type: ignore[call-arg]  # the store is given by keyword


def own(store: Store) -> None:
    assert_type(secret("a", store=store), LazySecret)
    assert_type(fallbacks("a", store=store), Fallbacks)


# Engines


class Own(PostgresLogin, base.DatabaseWrapper):
    def is_refused(self, error: Exception) -> bool:
        return super().is_refused(error) or "expired" in str(error)


def engine(connection: DatabaseWrapper, other: MySQL, table: dict[str, Any]) -> None:
    logins: list[SecretLogin] = [connection, other, Own(table)]
    assert_type(logins[0].is_refused(ValueError()), bool)
    base_wrapper: base.DatabaseWrapper = connection
    assert_type(base_wrapper.vendor, str)
    assert_type(connection.get_connection_params(), dict[str, Any])


assert_type(SecretsourceConfig.label, str)
