"""Ids as CyberArk's own products make them, by every way that leads to a variable."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import read, resolver_for, value
from tests.servers.conjur import ConjurServer

IDS = [
    "safe/My Account/password",
    "safe/user@example.org/password",
    "safe/50%/key",
    "safe/%2F/key",
    "safe/a%20b/key",
    "safe/a+b=c/key",
    "safe/café/clé",
    "safe/Łódź ✓/key",
    "safe/one,two/key",
    "safe/a,b/c,d",
    "safe/a:b/key",
    "safe/a;b&c=d/key",
    "safe/what?/key",
    "safe/#1/key",
    "safe/(x)/[y]",
    "safe/~tilde/-dash",
    "safe/'quoted'/\"twice\"",
    "safe/back\\slash/key",
    "safe/a*b/$key!",
    "safe/" + "x" * 300 + "/key",
    "safe/one/two/three/four/five",
    "safe/a: b/c #d",
    "*star/&and",
    "@at/key",
]


def reference(variable: str) -> str:
    return f"conjur://{quote(variable).replace('~', '%7E')}"  # which quote leaves as it is


def single(resolver: ConjurResolver, variable: str) -> object:
    return value(resolver, reference(variable))


def old_version(resolver: ConjurResolver, variable: str) -> object:
    return value(resolver, f"{reference(variable)}?version=1")


def batch(resolver: ConjurResolver, variable: str) -> object:
    names = [reference(variable), "pepipost/api_key"]
    found = resolver.fetch_many([resolver.locate(name) for name in names], Deadline(5))[0]
    assert isinstance(found, Document)
    return found.value


def listing(resolver: ConjurResolver, variable: str) -> object:
    path, _, last = variable.rpartition("/")
    return read(resolver, reference(path), document=True).fields[last]


def written(resolver: ConjurResolver, variable: str) -> object:
    new = f"value of {variable}"
    resolver.put(resolver.locate(reference(variable)), "another", Deadline(5))
    return resolver.put(resolver.locate(reference(variable)), new, Deadline(5)).value


@pytest.mark.parametrize("way", [single, old_version, batch, listing, written])
@pytest.mark.parametrize("variable", IDS)
def test_an_id_is_found(
    server: ConjurServer,
    resolver: ConjurResolver,
    way: Callable[[ConjurResolver, str], object],
    variable: str,
) -> None:
    neighbour = f"{variable}x"
    for each in (variable, neighbour):
        server.add_variable(each, value=f"value of {each}".encode(), readers=["alice"])
    server.permit("alice", ["update"], variable)

    assert f"value of {variable}" == way(resolver, variable)


@pytest.mark.parametrize("variable", IDS)
def test_all_of_them_stand_in_one_batch_but_those_with_a_comma(
    server: ConjurServer, resolver: ConjurResolver, variable: str
) -> None:
    server.add_variable(variable, value=b"x", readers=["alice"])
    batch(resolver, variable)

    assert ("," in variable) == (0 == server.count("batch"))


@pytest.mark.parametrize("variable", IDS)
def test_a_policy_that_names_it_is_a_policy(server: ConjurServer, variable: str) -> None:
    server.add_variable(variable, value=b"x")
    resolver = resolver_for(server, "host/app/web")
    server.load_policy(resolver.policy_for([resolver.locate(reference(variable))]))

    assert "x" == value(resolver, reference(variable))


def test_a_name_may_have_a_space_only_in_its_prefix(server: ConjurServer) -> None:
    server.add_variable("safe/My Account/password", value=b"x", readers=["alice"])

    assert "x" == value(resolver_for(server, prefix="safe/My Account/"), "password")
