"""Several regions: a replica answers where the first one is unavailable, and only there."""

from __future__ import annotations

import contextlib
import json
import logging
import ssl
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import trustme

from secretsource import Store
from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretSourceError,
)
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.aws._regions import BACK_AFTER
from tests.fakes import FakeClock
from tests.resolvers.aws.sts import Taken, assumed, key_of
from tests.resolvers.aws.support import (
    VERSION,
    Canary,
    canary,
    clock,
    fetch,
    found,
    login,
    moto,
    read,
    refusal,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

__all__ = ["canary", "clock", "login", "moto"]

FIRST, SECOND = "eu-central-1", "eu-west-1"
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:pepipost-AbCdEf"


@pytest.fixture
def first() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        server.answer(body=found("of the first"))
        yield server


@pytest.fixture
def second() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        server.answer(body=found("of the replica"))
        yield server


@pytest.fixture
def resolver(first: FaultyServer, second: FaultyServer) -> Iterator[AwsResolver]:
    resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[first.url, second.url])
    yield resolver
    resolver.close()


def failed(resolver: AwsResolver, name: str = "pepipost", *, timeout: float = 5.0) -> ResolverError:
    with pytest.raises(ResolverError) as raised:
        fetch(resolver, name, timeout=timeout)
    assert raised.value.__context__ is None
    return raised.value


def reference_to(arn: str) -> str:
    return f"aws://{arn.replace(':', '%3A')}"


def batch_of(**values: str) -> str:
    return json.dumps(
        {
            "SecretValues": [
                {"Name": name, "SecretString": value, "VersionId": VERSION} for name, value in values.items()
            ],
            "Errors": [],
        }
    )


def test_the_first_region_answers_and_no_other_is_asked(resolver: AwsResolver, second: FaultyServer) -> None:
    assert "of the first" == read(resolver).value
    assert [] == second.requests


@pytest.mark.parametrize("status", [429, 500, 503])
def test_where_it_is_unavailable_the_replica_answers(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer, status: int
) -> None:
    first.answer(status)

    assert "of the replica" == read(resolver).value
    assert f"/{SECOND}/secretsmanager/" in second.requests[0].headers["authorization"]


def test_where_nothing_listens_the_replica_answers(second: FaultyServer) -> None:
    resolver = AwsResolver(
        region=[FIRST, SECOND], endpoint_url=[f"http://127.0.0.1:{free_port()}", second.url]
    )

    assert "of the replica" == read(resolver).value
    resolver.close()


def test_a_region_that_hangs_leaves_time_for_the_next(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    with contextlib.closing(AwsResolver(region=SECOND, endpoint_url=second.url)) as another:
        read(another)  # imports boto3, which is not to be counted
    first.answer(body="", delay=30)
    begun = time.monotonic()

    assert "of the replica" == read(resolver, timeout=2.0).value
    assert 0.9 < time.monotonic() - begun < 1.6


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, refusal("AccessDeniedException")), AccessDenied),
        ((400, refusal("InvalidParameterException")), InvalidResponse),
        ((200, "<html>"), InvalidResponse),
    ],
    ids=["denied", "refused", "broken"],
)
def test_what_is_no_outage_is_the_answer(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer, answer: tuple[int, str], kind: type
) -> None:
    first.answer(answer[0], {}, answer[1])

    assert isinstance(failed(resolver), kind)
    assert [] == second.requests


def test_not_there_in_the_first_region_is_not_there(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(400, {}, refusal("ResourceNotFoundException"))

    assert NotThere(Reason.MISSING) == fetch(resolver)
    assert [] == second.requests


def test_a_failed_tls_verification_stops(second: FaultyServer) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultyServer(context) as stranger:
        resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[stranger.url, second.url])

        assert Reason.TLS is failed(resolver).reason
        assert [] == second.requests


def test_what_the_replica_does_not_have_is_no_not_there(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    second.answer(400, {}, refusal("ResourceNotFoundException"))

    error = failed(resolver)

    assert isinstance(error, BackendUnavailable)
    assert f"{FIRST}: server error, HTTP 503; {SECOND}: no replica" == error.detail


def test_a_denial_of_the_replica_is_a_denial(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    second.answer(400, {}, refusal("AccessDeniedException"))

    assert isinstance(failed(resolver), AccessDenied)


def test_where_all_are_unavailable_each_says_why(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    second.answer(400, {"Retry-After": "3600"}, refusal("ThrottlingException"))

    error = failed(resolver)

    assert Reason.SERVER is error.reason
    assert (
        f"{FIRST}: server error, HTTP 503; {SECOND}: throttled, HTTP 400 ThrottlingException" == error.detail
    )


def test_a_replica_that_answers_nonsense_leaves_an_outage(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    second.answer(body="<html>")

    assert isinstance(failed(resolver), BackendUnavailable)


def test_after_an_outage_the_replica_is_asked_first_for_a_while(
    resolver: AwsResolver, first: FaultyServer, clock: FakeClock
) -> None:
    first.answer(503)
    read(resolver)
    asked = len(first.requests)
    clock.now += BACK_AFTER - 1

    assert "of the replica" == read(resolver).value
    assert asked == len(first.requests)


def test_then_the_first_region_is_asked_again_and_stays_the_first(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer, clock: FakeClock
) -> None:
    first.answer(503)
    read(resolver)
    first.answer(body=found("of the first"))
    clock.now += BACK_AFTER + 1

    assert ["of the first"] * 2 == [read(resolver).value for _ in range(2)]
    assert 1 == len(second.requests)


def test_while_one_reader_looks_for_the_first_region_the_others_do_not_wait(
    resolver: AwsResolver, first: FaultyServer, clock: FakeClock
) -> None:
    first.answer(503)
    read(resolver)
    first.reset()
    first.answer(body="", delay=30)
    clock.now += BACK_AFTER + 1
    looking = Thread(target=read, args=(resolver,), kwargs={"timeout": 3.0})
    looking.start()
    while not first.requests:
        time.sleep(0.01)
    begun = time.monotonic()

    assert "of the replica" == read(resolver).value
    assert time.monotonic() - begun < 1.0
    looking.join()
    assert 1 == len(first.requests)


def test_what_only_the_first_region_has_is_asked_for_there_meanwhile(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    read(resolver)
    first.answer(400, {}, refusal("ResourceNotFoundException"))
    second.answer(400, {}, refusal("ResourceNotFoundException"))

    assert NotThere(Reason.MISSING) == fetch(resolver, "elsewhere")


def test_the_change_is_told_once(
    resolver: AwsResolver, first: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "secretsource")
    first.answer(503)
    read(resolver)
    read(resolver)
    first.answer(body=found("of the first"))
    clock.now += BACK_AFTER + 1
    read(resolver)

    assert [
        f"the resolver 'aws' reads from {SECOND}: {FIRST} is unavailable",
        f"the resolver 'aws' reads from {FIRST} again",
    ] == [record.getMessage() for record in caplog.records if record.name == "secretsource"]


def test_a_location_shows_the_regions_and_has_the_same_address_in_all(resolver: AwsResolver) -> None:
    location = resolver.locate("pepipost/api_key")

    assert ("pepipost", f"pepipost#api_key in {FIRST}, {SECOND}") == (location.address, str(location))


def test_the_cache_does_not_mind_which_region_answered(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    with Store([resolver]) as store:
        first.answer(503)
        assert "of the replica" == store.get("pepipost").value
        first.answer(body=found("of the first"))

        assert "of the replica" == store.get("pepipost").value
        assert 1 == len(second.requests)


def test_the_arn_of_the_first_region_is_that_of_the_replica_but_for_the_region(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)

    read(resolver, reference_to(ARN.format(FIRST)))

    assert ARN.format(FIRST) == json.loads(first.requests[0].body)["SecretId"]
    assert ARN.format(SECOND) == json.loads(second.requests[0].body)["SecretId"]


def test_the_arn_of_another_region_of_the_list_is_asked_for_there_alone(
    resolver: AwsResolver, first: FaultyServer, second: FaultyServer
) -> None:
    second.answer(400, {}, refusal("ResourceNotFoundException"))

    assert NotThere(Reason.MISSING) == fetch(resolver, reference_to(ARN.format(SECOND)))
    assert [] == first.requests
    assert f"{ARN.format(SECOND)} in {SECOND}" == str(resolver.locate(reference_to(ARN.format(SECOND))))


def test_the_arn_of_a_region_that_is_not_asked_is_refused(resolver: AwsResolver) -> None:
    with pytest.raises(
        InvalidReference, match="is in us-east-1, and the resolver 'aws' asks eu-central-1, eu-west-1"
    ):
        resolver.locate(reference_to(ARN.format("us-east-1")))


def test_a_batch_is_answered_by_the_replica_too(first: FaultyServer, second: FaultyServer) -> None:
    first.answer(503)
    second.answer(body=batch_of(a="1", b="2"))
    resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[first.url, second.url], batch=True)

    said = resolver.fetch_many([resolver.locate("a"), resolver.locate("b")], Deadline(5))

    assert ["1", "2"] == [each.value for each in said if isinstance(each, Document)]
    assert 1 == len(second.requests)
    resolver.close()


def test_of_a_batch_too_what_the_replica_does_not_have_is_no_not_there(
    first: FaultyServer, second: FaultyServer
) -> None:
    first.answer(503)
    answer = json.loads(batch_of(a="1"))
    answer["Errors"] = [{"SecretId": "b", "ErrorCode": "ResourceNotFoundException", "Message": "x"}]
    second.answer(body=json.dumps(answer), times=1)
    second.answer(400, {}, refusal("ResourceNotFoundException"))
    resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[first.url, second.url], batch=True)

    said = resolver.fetch_many([resolver.locate("a"), resolver.locate("b")], Deadline(5))

    assert [Document, BackendUnavailable] == [type(each) for each in said]
    resolver.close()


def test_a_batch_of_arns_is_that_of_the_replicas(first: FaultyServer, second: FaultyServer) -> None:
    first.answer(503)
    arns = [ARN.format(FIRST).replace("pepipost", name) for name in ("a", "b")]
    here = [arn.replace(FIRST, SECOND) for arn in arns]
    second.answer(body=json.dumps({"SecretValues": [{"ARN": arn, "SecretString": arn} for arn in here]}))
    resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[first.url, second.url], batch=True)

    said = resolver.fetch_many([resolver.locate(reference_to(arn)) for arn in arns], Deadline(5))

    assert here == [each.value for each in said if isinstance(each, Document)]
    resolver.close()


def test_a_role_is_taken_of_the_sts_of_each_region(
    first: FaultyServer, second: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.answer(503)
    with FaultyServer() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        sts.answer(body=assumed(Taken("ROLE")))
        resolver = AwsResolver(
            region=[FIRST, SECOND],
            endpoint_url=[first.url, second.url],
            role_arn="arn:aws:iam::123456789012:role/app",
        )

        assert "of the replica" == read(resolver).value
        assert [FIRST, SECOND] == [
            each.headers["authorization"].split("/sts/")[0].rpartition("/")[2] for each in sts.requests
        ]
    assert "ROLE" == key_of(second.requests[0])
    resolver.close()


def test_moto_answers_from_the_region_of_a_replica(moto: Moto, canary: Canary) -> None:
    admin = moto.client()
    admin.create_secret(Name="copied", SecretString=canary.text, AddReplicaRegions=[{"Region": SECOND}])
    admin.close()
    resolver = AwsResolver(region=[FIRST, SECOND], endpoint_url=[f"http://127.0.0.1:{free_port()}", moto.url])

    assert canary.text == read(resolver, "copied").value
    resolver.close()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"region": []}, "region"),
        ({"region": [FIRST, 1]}, "region"),
        ({"region": [FIRST, "eu west"]}, "region"),
        ({"region": [FIRST, FIRST]}, "region"),
        ({"region": [FIRST, SECOND], "endpoint_url": "https://one.example"}, "endpoint_url"),
        ({"region": [FIRST, SECOND], "endpoint_url": ["https://one.example"]}, "endpoint_url"),
        ({"region": FIRST, "endpoint_url": ["https://one.example", "https://two.example"]}, "endpoint_url"),
        ({"endpoint_url": ["https://one.example", "https://two.example"]}, "endpoint_url"),
        ({"endpoint_url": []}, "endpoint_url"),
        ({"endpoint_url": ["http://one.example"]}, "endpoint_url"),
    ],
)
def test_regions_and_addresses_that_do_not_fit_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(SecretSourceError, match=named) as raised:
        AwsResolver(**settings)
    assert isinstance(raised.value, ConfigError)


def test_the_repr_shows_all_of_them(resolver: AwsResolver, first: FaultyServer, second: FaultyServer) -> None:
    assert f"region=['{FIRST}', '{SECOND}']" in repr(resolver)
    assert f"endpoint_url=['{first.url}', '{second.url}']" in repr(resolver)
