"""The types of secretsource.integrations.celery, as type checkers see them. Never run."""

from __future__ import annotations

from celery import Celery  # type: ignore[import-untyped]

from secretsource import default_store
from secretsource.integrations.celery import use_secrets

app = Celery("shop", broker="redis://h/0", backend="redis://h/1")
use_secrets(app, broker="redis/password")
use_secrets(app, result_backend="redis/password", result_backend_user="redis/user")
use_secrets(app, broker="redis/password", store=default_store(), wait=1.5)
use_secrets(app, broker=1)  # type: ignore[arg-type]
use_secrets(app, "redis/password")  # type: ignore[call-arg]  # by keyword alone
