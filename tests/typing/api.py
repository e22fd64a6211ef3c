"""The types of the public names, as type checkers see them. Never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_type

import secretsource
from secretsource import (
    Attempt,
    Attempts,
    BackendUnavailable,
    Check,
    Config,
    Deadline,
    DeadlineExceeded,
    Document,
    Explanation,
    Link,
    Location,
    MaskedBytes,
    MaskedStr,
    Reason,
    Resolver,
    ResolverError,
    Secret,
    SecretHandle,
    SecretNotFound,
    SecretSourceError,
    Step,
    Store,
)
from secretsource.resolvers import Health, SupportsCheck, SupportsPolicy, SupportsPut, SupportsRenew
from secretsource.testing import Gate, MemoryResolver, Overrides, ResolverContract, override

# Values

assert_type(secretsource.get_secret("a/b"), MaskedStr)
assert_type(secretsource.get_secret("a/b", refresh=True, timeout=1.5), MaskedStr)
assert_type(secretsource.get_secret("a/b", default=None), MaskedStr | None)
assert_type(secretsource.get_secret("a/b", default=0), MaskedStr | int)
text: str = secretsource.get_secret("a/b")
text = secretsource.get_secret("a/b", default="plain")
secretsource.get_secret("a/b", None)  # type: ignore[call-overload]  # the default is given by keyword
secretsource.get_secret(b"a/b")  # type: ignore[call-overload]

assert_type(secretsource.get_secret_bytes("a/b"), MaskedBytes)
assert_type(secretsource.get_secret_bytes("a/b", default=None), MaskedBytes | None)
raw: bytes = secretsource.get_secret_bytes("a/b", timeout=1)

assert_type(secretsource.get_secrets(["a", "b"]), dict[str, MaskedStr])
assert_type(secretsource.get_fields("db/primary"), Mapping[str, MaskedStr])
secretsource.prefetch(("a", "b"), timeout=1)

handle = secretsource.secret("a/b")
assert_type(handle, SecretHandle)
assert_type(handle.name, str)
assert_type(handle(), MaskedStr)

assert_type(handle()[:4], MaskedStr)
assert_type(handle().reveal(), str)
assert_type(secretsource.get_secret_bytes("a/b").reveal(), bytes)
assert_type(secretsource.get_secret_bytes("a/b").decode(), MaskedStr)


def plain(given: str) -> None:
    assert_type(given[:4], str)


async def coroutines() -> None:
    assert_type(await secretsource.aget_secret("a/b"), MaskedStr)
    assert_type(await secretsource.aget_secret("a/b", refresh=True, timeout=1), MaskedStr)
    assert_type(await secretsource.aget_secret("a/b", default=None), MaskedStr | None)
    assert_type(await secretsource.aget_secret("a/b", default=0), MaskedStr | int)


# Stores

store = secretsource.default_store()
assert_type(store, Store)
assert_type(secretsource.configure(), Store)
assert_type(secretsource.configure(Config()), Store)
assert_type(secretsource.configure(chain=["env"], ttl=60), Store)

secret = store.get("a/b")
assert_type(secret, Secret)
assert_type(store.get("a/b", refresh=True, timeout=1), Secret)
assert_type(store.get("a/b", default=None), Secret | None)
assert_type(store.get_many(["a"]), dict[str, Secret])
assert_type(store.get_fields("db/primary"), Mapping[str, MaskedStr | MaskedBytes])
assert_type(store.locate("a/b"), dict[str, str])
assert_type(store.chain, tuple[Link, ...])
store.invalidate()
store.invalidate("a/b")
store.close()

assert_type(secret.value, MaskedStr)
assert_type(secret.value_bytes, MaskedBytes)
assert_type(secret.name, str)
assert_type(secret.source, str)
assert_type(secret.location, str)
assert_type(secret.version, str | None)
assert_type(secret.age, float)
assert_type(secret.stale, bool)
assert_type(secret.lease, float | None)
secret.name = "other"  # type: ignore[misc]  # frozen

explanation = store.explain("a/b", timeout=1)
assert_type(explanation, Explanation)
assert_type(explanation.steps, tuple[Step, ...])
assert_type(explanation.steps[0].reason, Reason | None)

check = store.check(["a/b"], timeout=1)
assert_type(check, Check)
assert_type(check.errors, tuple[SecretSourceError, ...])
assert_type(check.links[0].health, Health | None)
assert_type(check.names[0].found, Step | None)
store.check()
check.names = ()  # type: ignore[misc]  # frozen

with Store([MemoryResolver(), Link(MemoryResolver(name="other"), on_denied="next")]) as one:
    assert_type(one, Store)
Link(MemoryResolver(), on_denied="ignore")  # type: ignore[arg-type]
Store(["env"])  # type: ignore[list-item]  # names belong into the configuration

# Rotation

assert_type(store.reject(secret, timeout=1), Secret)
assert_type(store.attempts("a/b", on=PermissionError), Attempts[Secret])
assert_type(secretsource.attempts("a/b", on=(PermissionError, OSError), timeout=1), Attempts[MaskedStr])
for attempt in secretsource.attempts("a/b", on=lambda error: "401" in str(error)):
    assert_type(attempt, Attempt[MaskedStr])
    with attempt as key:
        assert_type(key, MaskedStr)
        attempt.reject()
store.attempts("a/b", on="PermissionError")  # type: ignore[arg-type]  # no name of a class


def changed(old: Secret, new: Secret) -> None: ...


assert_type(store.on_rotation("a/b", changed), Callable[[], None])
assert_type(secretsource.on_rotation("a/b", changed), Callable[[], None])
store.on_rotation("a/b", print)
store.on_rotation("a/b", lambda old: None)  # type: ignore[arg-type,misc]  # it is told both


async def stores() -> None:
    async with Store([MemoryResolver()]) as one:
        assert_type(one, Store)
        assert_type(await one.aget("a/b"), Secret)
        assert_type(await one.aget("a/b", default=None), Secret | None)
        assert_type(await one.aget_many(["a"]), dict[str, Secret])
        assert_type(await one.areject(secret), Secret)
        assert_type(await one.acheck(()), Check)
        async for attempt in one.attempts("a/b", on=PermissionError):
            async with attempt as used:
                assert_type(used, Secret)
        assert_type(await one.aget_fields("a"), Mapping[str, MaskedStr | MaskedBytes])


# Errors

try:
    store.get("a/b")
except SecretNotFound as not_found:
    assert_type(not_found.name, str)
    assert_type(not_found.steps, tuple[Step, ...])
    lookup: LookupError = not_found
except DeadlineExceeded as late:
    outage: BackendUnavailable = late
    timeout: TimeoutError = late
    assert_type(late.retry_after, float | None)
except ResolverError as error:
    assert_type(error.resolver, str)
    assert_type(error.location, str)
    assert_type(error.reason, Reason)

# Resolvers

resolver: Resolver = MemoryResolver({"a/b": "x", "c": b"x", "db": {"user": "u"}})
assert_type(resolver.locate("a/b"), Location)
assert_type(resolver.locate("a", document=True).field, str | None)
assert_type(Document(value="x").value, MaskedStr | MaskedBytes | None)
assert_type(Document(fields={"a": b"x"}).fields, Mapping[str, MaskedStr | MaskedBytes])

# Testing

memory = MemoryResolver(name="vault")
memory.put("a/b", "x", lease=30)
memory.put("db", {"user": "u", "key": b"x"})
writes: SupportsPut = memory
checks: SupportsCheck = memory
declares: SupportsPolicy = memory
renews: SupportsRenew = memory
assert_type(memory.put(memory.locate("a/b"), "x", Deadline(1), expected="1"), Document)
memory.fail(Reason.SEALED, "a/b", retry_after=1)
memory.fail("sealed")
memory.script("a/b", "x", None, ConnectionError())
memory.put("a/b", 1)  # type: ignore[call-overload]
assert_type(memory.calls, list[str])
with memory.held() as gate:
    assert_type(gate, Gate)

with override({"a/b": "x"}) as overrides:
    assert_type(overrides, Overrides)
    overrides({"c": b"x"})


@override({"a/b": "x"})
def decorated(number: int) -> str:
    return str(number)


@override()
async def decorated_coroutine(number: int) -> str:
    return str(number)


assert_type(decorated(1), str)
decorated("1")  # type: ignore[arg-type]


async def call_decorated() -> None:
    assert_type(await decorated_coroutine(1), str)


class TestOwn(ResolverContract):
    binary = False

    def make_resolver(self) -> Resolver:
        return MemoryResolver()

    def put(self, name: str, value: str | bytes) -> None: ...

    def remove(self, name: str) -> None: ...
