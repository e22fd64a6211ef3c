"""A Django project in this process, whose settings ask for secrets, and what its tests do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, cast
from wsgiref.util import setup_testing_defaults

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import path

from secretsource.integrations.django import fallbacks, secret

__all__ = ["SETTINGS", "commanded", "configured", "database", "get", "views"]

SETTINGS: dict[str, Any] = {
    "SECRET_KEY": secret("django/secret_key"),
    "SECRET_KEY_FALLBACKS": fallbacks("django/secret_key_before"),
    "ALLOWED_HOSTS": ["testserver", "127.0.0.1"],
    "ROOT_URLCONF": __name__,
    "INSTALLED_APPS": [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "secretsource.integrations.django",
    ],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "USE_TZ": True,
}
views: dict[str, Callable[[HttpRequest], HttpResponse]] = {}
"""What answers ``/`` and a name, for the time of a test."""


def _answer(request: HttpRequest, view: str) -> HttpResponse:
    return views[view](request)


urlpatterns = [path("<view>/", _answer)]


def configured() -> None:
    """Set Django up, once for the process."""
    if not settings.configured:
        settings.configure(**SETTINGS)
        django.setup()


def get(view: str) -> tuple[int, str]:
    """Ask as a server does, connections being closed before and after as its settings say; return status and text."""
    from django.core.handlers.wsgi import WSGIHandler

    status: list[str] = []
    environ: dict[str, Any] = {"PATH_INFO": f"/{view}/"}
    setup_testing_defaults(environ)
    # WSGI wants a function that returns another one, to write with; Django never calls it.
    response = WSGIHandler()(environ, lambda line, headers, *more: status.append(line))  # type: ignore[arg-type,func-returns-value,return-value]
    text = b"".join(response).decode()
    cast(Any, response).close()
    return int(status[0].split()[0]), text


def commanded(*arguments: str) -> str:
    """Run a command of ``manage.py`` and return all that it prints."""
    printed = StringIO()
    call_command(*arguments, stdout=printed, stderr=printed)
    return printed.getvalue()


@contextmanager
def database(alias: str, **table: Any) -> Iterator[Any]:
    """Let the project have another database, and give its connection of this thread."""
    connections.settings.update(connections.configure_settings({"default": {}, alias: table}) | _own())
    try:
        yield connections[alias]
    finally:
        connection = connections[alias]
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        del connections[alias]
        del connections.settings[alias]


def _own() -> dict[str, Any]:
    return {"default": connections.settings["default"]}
