"""The types of Airflow's backend, as a user sees them. Never run."""

from __future__ import annotations

from typing import assert_type

from secretsource import Store
from secretsource.integrations.airflow import InvalidConnection, OnError, SecretSourceBackend

store: Store | None = None
on_error: OnError = "next"
backend = SecretSourceBackend(
    connections_prefix="airflow/connections",
    variables_prefix=None,
    config_prefix=None,
    on_error=on_error,
    store=store,
)
assert_type(backend.get_conn_value("db"), str | None)
assert_type(backend.get_conn_value("db", team_name="blue"), str | None)
assert_type(backend.get_variable("key"), str | None)
assert_type(backend.get_config("key"), str | None)
SecretSourceBackend(chain=["env"], ttl=60)
SecretSourceBackend(on_error="ignore")  # type: ignore[arg-type]

wrong: ValueError = InvalidConnection("x")
