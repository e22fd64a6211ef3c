"""The caches of section H, and what fills them: names and values alike, made at run time.

A name is one document. Ours are read through `get_secret`, from resolvers that answer at once and are none of the local
ones, so fetches run on worker threads as they do for a real backend. There are two, for what backends hold: a plain
value, which is all that the dictionaries and the peers keep, and a member of a document, whose own name and version are
kept beside it.
"""

from __future__ import annotations

import functools
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from bench._aws_canned import answers
from secretsource import Deadline, Document, Location, Resolver, Store, get_secret
from secretsource._default import replace_default_store

PLAIN = "dict name -> (value, expiry)"
OURS_VALUE = "secretsource get_secret, a plain value"
OURS_MEMBER = "secretsource get_secret, a member of a document"
CHARACTERS = 94  # of a value
_TTL = 3600

Read = Callable[[str], object]
Make = Callable[[], Read]


def has_no_limit(label: str) -> bool:
    """Whether that cache keeps every name."""
    return label.startswith(("dict ", "powertools "))


def caches(entries: int) -> dict[str, Make]:
    """Return, by label, what makes each cache; those with a limit keep *entries*."""
    return {
        "dict name -> value": lambda: functools.partial(_into, {}, _value),
        PLAIN: lambda: functools.partial(_into, {}, lambda: (_value(), time.monotonic())),
        OURS_VALUE: functools.partial(_ours, ValueResolver(), entries),
        OURS_MEMBER: functools.partial(_ours, MemberResolver(), entries),
        "cachetools TTLCache": functools.partial(_ttl_cache, entries),
        "functools.lru_cache": lambda: functools.lru_cache(maxsize=entries)(lambda _name: _value()),
        "powertools SecretsProvider": _powertools,
        "aws-secretsmanager-caching": functools.partial(_caching, entries),
    }


def _value() -> str:
    return secrets.token_hex(CHARACTERS // 2)


def _into(target: dict[str, object], make: Callable[[], object], name: str) -> None:
    target[name] = make()


# Ours


class ValueResolver:
    """Answers as the Conjur resolver does for a variable, without Conjur: the value is all there is."""

    name = "conjur"

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Put a prefix before *name*."""
        return Location(address=f"prod/{name}", document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Document:
        """Return a new value."""
        del location, deadline
        return Document(value=_value())


class MemberResolver:
    """Answers as the AWS resolver does for a member of a secret, without AWS: with its name and a version."""

    name = "aws"

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Make the last segment of *name* the member, of a document of its own."""
        address, _, member = name.rpartition("/")
        return Location(address=f"{address}-{member}", field=member, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Document:
        """Return a document of one member, of a new version."""
        del deadline
        return Document(fields={location.field or "": _value()}, version=secrets.token_hex(16))


def _ours(resolver: Resolver, entries: int) -> Read:
    replace_default_store(Store([resolver], ttl=_TTL, max_entries=entries))
    return get_secret


# The peers


def _ttl_cache(entries: int) -> Read:
    import cachetools

    cache: Any = cachetools.TTLCache(entries, _TTL)
    return functools.partial(_into, cache, _value)


class _Client:
    """Answers as a boto3 client does, HTTP headers and all."""

    class _Meta:
        class config:  # noqa: N801 - as botocore spells it
            user_agent_extra = ""

    meta = _Meta()

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        return self._answer("GetSecretValue", asked)

    def describe_secret(self, **asked: str) -> dict[str, Any]:
        return self._answer("DescribeSecret", asked)

    def _answer(self, operation: str, asked: dict[str, str]) -> dict[str, Any]:
        answer = json.loads(json.dumps(answers("")[operation])) | {"Name": asked["SecretId"]}
        if operation == "GetSecretValue":
            answer["SecretString"] = _value()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "content-length": str(300 + len(answer)),
            "x-amzn-requestid": secrets.token_hex(16),
            "date": "Tue, 24 Nov 2026 07:00:00 GMT",
        }
        answer["ResponseMetadata"] = {
            "RequestId": headers["x-amzn-requestid"],
            "HTTPStatusCode": 200,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return answer


def _powertools() -> Read:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return functools.partial(SecretsProvider(boto3_client=_Client()).get, max_age=_TTL)


def _caching(entries: int) -> Read:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    config = SecretCacheConfig(max_cache_size=entries, secret_refresh_interval=_TTL)
    return SecretCache(config=config, client=_Client()).get_secret_string
