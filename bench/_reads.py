"""The ways of reading whose cached reads are measured, each with its cache filled."""

from __future__ import annotations

import functools
import os
import threading
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench._aws_canned import NAME
from bench._crowd_peers import bare_fetch
from bench._peers import present
from bench._servers import Servers

OURS = "secretsource get_secret(name)"
ASYNC = "secretsource await aget_secret(name)"
ENVIRON = "os.environ[name]"
VARIABLE = "BENCH_TOKEN"
_TTL = 3600


@dataclass(frozen=True, slots=True)
class Read:
    """One way of reading: an expression, and the names in it."""

    code: str
    names: Mapping[str, Any]

    def timer(self) -> timeit.Timer:
        """Return what runs the expression in a loop, with its names as local variables."""
        setup = "; ".join(f"{name} = _names[{name!r}]" for name in self.names) or "pass"
        return timeit.Timer(self.code, setup, globals={"_names": self.names})

    def loop(self) -> Callable[[int], None]:
        """Return the bare loop, for threads: `timeit` switches the garbage collector for all of them."""
        arguments = ", ".join(self.names)
        source = f"def loop(count, {arguments}):\n for _ in range(count):\n  {self.code}\n"
        made: dict[str, Any] = {}
        exec(source, made)
        return functools.partial(made["loop"], **self.names)


def floor() -> Read:
    entries = {NAME: ("value", time.monotonic() + _TTL)}
    now = time.monotonic

    def read(name: str) -> str | None:
        entry = entries.get(name)
        if entry is not None and now() < entry[1]:
            return entry[0]
        return None

    return Read("f(n)", {"f": read, "n": NAME})


def ours(servers: Servers) -> dict[str, Read]:
    import secretsource

    secretsource.configure(
        chain=["aws"], ttl=_TTL, resolvers={"aws": {"endpoint_url": servers.canned.url}}
    ).get(NAME)
    read = secretsource.get_secret
    assert servers.value == read(NAME)
    return {
        OURS: Read("f(n)", {"f": read, "n": NAME}),
        "secretsource secret(name)()": Read("f()", {"f": secretsource.secret(NAME)}),
        "secretsource default_store().get(name)": Read(
            "f().get(n)", {"f": secretsource.default_store, "n": NAME}
        ),
        ASYNC: Read("await f(n)", {"f": secretsource.aget_secret, "n": NAME}),
        "secretsource get_secret of a variable (ttl 1 s)": Read(
            "f(n)", {"f": read, "n": f"env://{VARIABLE}"}
        ),
    }


def peers(servers: Servers) -> dict[str, Read]:
    """Return the reads of all peers that are installed."""
    makes: dict[str, Callable[[], Read]] = {
        "aws-secretsmanager-caching get_secret_string": _caching,
        "powertools get_secret(max_age=)": _powertools,
        "cachetools @cached(TTLCache, lock)": functools.partial(_cached, lock=threading.Lock),
        "cachetools @cached(TTLCache, condition)": functools.partial(_cached, condition=threading.Condition),
        "cachetools TTLCache[name] under a lock": _under_lock,
        "functools.lru_cache (no ttl)": _lru_cache,
        ENVIRON: lambda: Read("d[n]", {"d": os.environ, "n": VARIABLE}),
        "os.getenv(name)": lambda: Read("f(n)", {"f": os.getenv, "n": VARIABLE}),
        "dotenv_values()[name] (a dict)": functools.partial(_dotenv, servers),
        "pydantic-settings: attribute": functools.partial(_pydantic, "s.bench_token"),
        "pydantic-settings: get_secret_value()": functools.partial(
            _pydantic, "s.bench_token.get_secret_value()"
        ),
        "dynaconf: settings.NAME": _dynaconf,
        "python-decouple: config(name)": functools.partial(_decouple, servers),
        "environs: env.str(name)": _environs,
        "django-environ: env.str(name)": _django_environ,
    }
    return {label: make() for label, make in present(makes).items()}


# Caches


def _client() -> Any:
    from botocore.session import Session

    return Session().create_client("secretsmanager")


def _warm(read: Callable[[str], object]) -> Read:
    read("bench")
    return Read("f(n)", {"f": read, "n": "bench"})


def _caching() -> Read:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    config = SecretCacheConfig(secret_refresh_interval=_TTL)
    return _warm(SecretCache(config=config, client=_client()).get_secret_string)


def _powertools() -> Read:
    from aws_lambda_powertools.utilities import parameters

    parameters.get_secret("bench", max_age=_TTL)
    return Read("f(n, max_age=ttl)", {"f": parameters.get_secret, "n": "bench", "ttl": _TTL})


def _cached(**guard: Callable[[], object]) -> Read:
    import cachetools

    made: dict[str, Any] = {name: make() for name, make in guard.items()}
    cache: Any = cachetools.TTLCache(1024, _TTL)
    return _warm(cachetools.cached(cache, **made)(bare_fetch(_client)))


def _under_lock() -> Read:
    import cachetools

    cache: Any = cachetools.TTLCache(1024, _TTL)
    cache["bench"], lock = bare_fetch(_client)("bench"), threading.Lock()

    def read(name: str) -> str:
        with lock:
            found: str = cache[name]
            return found

    return _warm(read)


def _lru_cache() -> Read:
    return _warm(functools.lru_cache(bare_fetch(_client)))


# Settings


def _dotenv(servers: Servers) -> Read:
    from dotenv import dotenv_values

    return Read("d[n]", {"d": dotenv_values(servers.folder / ".env"), "n": VARIABLE})


def _pydantic(code: str) -> Read:
    from pydantic import SecretStr
    from pydantic_settings import BaseSettings

    class Settings(BaseSettings):
        bench_token: SecretStr

    return Read(code, {"s": Settings()})


def _dynaconf() -> Read:
    from dynaconf import Dynaconf

    settings = Dynaconf(envvar_prefix=False)
    assert os.environ[VARIABLE] == settings.BENCH_TOKEN
    return Read("s.BENCH_TOKEN", {"s": settings})


def _decouple(servers: Servers) -> Read:
    import decouple

    config = decouple.Config(decouple.RepositoryEnv(servers.folder / ".env"))
    return Read("f(n)", {"f": config, "n": VARIABLE})


def _environs() -> Read:
    import environs

    return Read("f(n)", {"f": environs.Env().str, "n": VARIABLE})


def _django_environ() -> Read:
    import environ

    return Read("f(n)", {"f": environ.Env().str, "n": VARIABLE})
