"""Celery over Redis: broker and result backend log in with the password of now, also after a rotation.

    app = Celery("shop", broker="redis://redis.example.com/0", backend="redis://redis.example.com/1")
    use_secrets(app, broker="redis/password", result_backend="redis/password")

The URLs have no password. A connection that is lost and comes back, in a worker, in its pool of processes or in a
program that sends tasks, reads the password anew, and once more if it is refused.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from secretsource import ConfigError
from secretsource.integrations._login import WAIT
from secretsource.integrations._needs import needs

with needs("Celery with redis-py", extra="celery"):
    from celery.backends.redis import RedisBackend  # type: ignore[import-untyped]
    from kombu.transport import redis as kombu_redis
    from redis import SSLConnection

    from secretsource.integrations.redis import (
        SecretConnection,
        SecretCredentialProvider,
        SecretSSLConnection,
    )

if TYPE_CHECKING:
    from celery import Celery  # type: ignore[import-untyped]

    from secretsource import Store

__all__ = ["SecretRedisBackend", "SecretTransport", "use_secrets"]

_SCHEMES: Final = ("redis", "rediss")
_OPTION: Final = "credential_provider"


def use_secrets(
    app: Celery,
    *,
    broker: str | None = None,
    result_backend: str | None = None,
    broker_user: str | None = None,
    result_backend_user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
) -> None:
    """Let a Celery application log in to Redis with secrets. It counts from the moment its configuration is read.

    Args:
        app: The application.
        broker: The name of the broker's password; `None` leaves the broker as it is. `broker_url` is one URL that
            begins with ``redis://`` or ``rediss://``. A user in it is used, a password is not.
        result_backend: The same of the result backend.
        broker_user: The name of the broker's user, where that is a secret too, in the same document as the password.
        result_backend_user: The same of the result backend.
        store: Where they are read; `None` for the process-wide store of the moment.
        wait: Seconds, 0 or more, for which a refused login waits for another password. See `Store.reject`.

    Raises:
        TypeError: There is a user without a password.
        ConfigError: The URL is another one; it is raised by what first reads the configuration of *app*.
    """
    for user, password, what in (
        (broker_user, broker, "broker"),
        (result_backend_user, result_backend, "result_backend"),
    ):
        if user is not None and password is None:
            raise TypeError(f"{what}_user needs {what}, the name of the password")
    login = partial(_Login, store=store, wait=wait)
    if broker is not None:
        app.add_defaults(partial(_use_for_broker, app, login(broker, user=broker_user)))
    if result_backend is not None:
        app.add_defaults(partial(_use_for_results, app, login(result_backend, user=result_backend_user)))


class _Login(SecretCredentialProvider):
    """What stands in the configuration of the application, which is shown and sent as JSON."""

    def __repr__(self) -> str:
        # kombu shares connections between those whose options look the same, whatever their stores are.
        return f"<{super().__repr__()} at {id(self):#x}>"

    def __json__(self) -> str:
        return super().__repr__()


def _use_for_broker(app: Celery, login: SecretCredentialProvider) -> dict[str, object]:
    conf = app.conf
    for setting in ("broker_read_url", "broker_write_url"):
        _check(setting, getattr(conf, setting))
    conf.broker_transport = f"{__name__}:{SecretTransport.__name__}"
    conf.broker_transport_options = {**(conf.broker_transport_options or {}), _OPTION: login}
    if urlsplit(conf.broker_read_url).scheme == "rediss" and not conf.broker_use_ssl:
        # kombu's own transport would not look at certificates here, and say so in a warning.
        conf.broker_use_ssl = {"ssl_cert_reqs": "required"}
    return {}


def _use_for_results(app: Celery, login: SecretCredentialProvider) -> dict[str, object]:
    _check("result_backend", app.conf.result_backend)
    backend = f"{__name__}:{SecretRedisBackend.__name__}"
    app.loader.override_backends = {**app.loader.override_backends, **dict.fromkeys(_SCHEMES, backend)}
    app.conf.redis_backend_credential_provider = login
    # A rotation may close connections. Without the first, a task whose result is stored in that moment counts as
    # failed; without the second, a password that stays wrong would be waited for without an end.
    return {"result_backend_always_retry": True, "result_backend_max_retries": 10}


def _check(setting: str, url: object) -> None:
    if not isinstance(url, str) or ";" in url or urlsplit(url).scheme not in _SCHEMES:
        raise ConfigError(f"{setting} must be one URL that begins with redis:// or rediss:// for use_secrets")


class _SecretChannel(kombu_redis.Channel):
    connection_class = SecretConnection
    connection_class_ssl = SecretSSLConnection


class SecretTransport(kombu_redis.Transport):
    """kombu's transport for Redis, whose connections log in anew where they are refused: ``broker_transport``.

    The transport option ``credential_provider`` is a `SecretCredentialProvider`.
    """

    Channel = _SecretChannel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)  # type: ignore[no-untyped-call]
        login = client.transport_options.get(_OPTION)
        if login is not None and client.credential_provider is None:
            client.credential_provider = login.with_username(client.userid) if client.userid else login


class SecretRedisBackend(RedisBackend):  # type: ignore[misc]  # untyped
    """Celery's result backend for Redis, whose connections log in anew where they are refused.

    The setting ``redis_backend_credential_provider`` is a `SecretCredentialProvider`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        params = self.connparams
        login = params.get(_OPTION)
        if not isinstance(login, SecretCredentialProvider):
            return
        # redis-py takes no user beside a provider, and Celery puts that of the URL there.
        username, _ = params.pop("username", None), params.pop("password", None)
        if username:
            params[_OPTION] = login.with_username(username)
        kind = params.get("connection_class")
        if kind is None:
            params["connection_class"] = SecretConnection
        elif issubclass(kind, SSLConnection):
            params["connection_class"] = SecretSSLConnection
