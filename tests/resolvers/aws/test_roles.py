"""Roles: each taken with the one before, once for all threads, renewed in time, and named where they are denied."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers.aws import AwsResolver
from tests.fakes import FakeClock
from tests.resolvers.aws.sts import Taken, assumed, key_of, refused, said_to_sts
from tests.resolvers.aws.support import (
    Canary,
    Login,
    assert_none_of,
    canary,
    clock,
    fetch,
    found,
    login,
    moto,
    printed,
    read,
    refusal,
    server,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

__all__ = ["canary", "clock", "login", "moto", "server"]

ROOT = Path(__file__).parents[3]
HUB = "arn:aws:iam::111111111111:role/hub"
APP = "arn:aws:iam::222222222222:role/team/app"


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    with FaultyServer() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        yield sts


@pytest.fixture
def resolver(server: FaultyServer) -> Iterator[AwsResolver]:
    """Reads with the role `APP`."""
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP)
    yield resolver
    resolver.close()


def failed(resolver: AwsResolver, *, timeout: float = 5.0) -> ResolverError:
    with pytest.raises(ResolverError) as raised:
        fetch(resolver, timeout=timeout)
    assert raised.value.__context__ is None
    return raised.value


def test_a_role_is_taken_with_what_is_found_and_reads(
    resolver: AwsResolver, sts: FaultyServer, server: FaultyServer
) -> None:
    taken = Taken("ROLE")
    sts.answer(body=assumed(taken))

    assert "x" == read(resolver).value
    assert ("AKIATESTING", "ROLE") == (key_of(sts.requests[0]), key_of(server.requests[0]))
    assert taken.session_token.text == server.requests[0].headers["x-amz-security-token"]
    assert APP == said_to_sts(sts)[0]["RoleArn"]


def test_of_several_roles_each_is_taken_with_the_one_before(sts: FaultyServer, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("HUB")), times=1)
    sts.answer(body=assumed(Taken("APP")), times=1)
    resolver = AwsResolver(endpoint_url=server.url, role_arn=[HUB, APP])

    assert "x" == read(resolver).value
    assert [(HUB, "AKIATESTING"), (APP, "HUB")] == [
        (said["RoleArn"], key_of(request))
        for said, request in zip(said_to_sts(sts), sts.requests, strict=True)
    ]
    assert "APP" == key_of(server.requests[0])
    resolver.close()


def test_the_external_id_is_told_to_the_last_role_alone(
    sts: FaultyServer, server: FaultyServer, canary: Canary
) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("ROLE")))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=[HUB, APP], external_id=canary.text)

    read(resolver)

    assert [None, True] == [
        said.get("ExternalId") and said["ExternalId"] == canary.text for said in said_to_sts(sts)
    ]
    resolver.close()


def test_name_and_duration_of_the_session_are_those_of_the_configuration(
    sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("ROLE")))
    resolver = AwsResolver(
        endpoint_url=server.url, role_arn=APP, role_session_name="shop@eu", role_duration=900
    )

    read(resolver)

    said = said_to_sts(sts)[0]
    assert ("shop@eu", "900") == (said["RoleSessionName"], said["DurationSeconds"])
    resolver.close()


def test_without_a_name_cloudtrail_shows_us_and_the_machine(
    resolver: AwsResolver, sts: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "web 1." + "x" * 80)
    sts.answer(body=assumed(Taken("ROLE")))

    read(resolver)

    assert ("secretsource@web-1." + "x" * 80)[:64] == said_to_sts(sts)[0]["RoleSessionName"]


def test_the_variable_of_boto3_names_the_session_too(
    resolver: AwsResolver, sts: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "from-boto3")
    sts.answer(body=assumed(Taken("ROLE")))

    read(resolver)

    assert "from-boto3" == said_to_sts(sts)[0]["RoleSessionName"]


def test_many_threads_take_a_role_once(resolver: AwsResolver, sts: FaultyServer) -> None:
    sts.answer(body=assumed(Taken("ROLE")), delay=0.3)

    with ThreadPoolExecutor(16) as pool:
        values = [document.value for document in pool.map(lambda _: read(resolver), range(32))]

    assert (["x"] * 32, 1) == (values, len(sts.requests))


def test_the_credentials_of_a_role_are_renewed_at_two_thirds_of_their_life(
    resolver: AwsResolver, sts: FaultyServer, server: FaultyServer, clock: FakeClock
) -> None:
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    sts.answer(body=assumed(Taken("SECOND")), times=1)
    for moment in (0, 2390, 2410, 2420):
        clock.now = 1000.0 + moment
        read(resolver)

    assert ["FIRST", "FIRST", "SECOND", "SECOND"] == [key_of(each) for each in server.requests]


def test_credentials_of_a_quarter_of_an_hour_are_not_renewed_at_each_read(
    sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("ROLE"), seconds=900))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP, role_duration=900)

    for _ in range(3):
        read(resolver)

    assert 1 == len(sts.requests)
    resolver.close()


@pytest.mark.parametrize("seconds", [-7200, 7200], ids=["ahead", "behind"])
def test_a_wrong_clock_of_this_machine_does_not_end_them_early_or_late(
    resolver: AwsResolver, sts: FaultyServer, clock: FakeClock, seconds: float
) -> None:
    sts.answer(body=assumed(Taken("ROLE"), seconds=3600 + seconds))
    read(resolver)
    clock.now += 2390
    read(resolver)
    assert 1 == len(sts.requests)

    clock.now += 20
    read(resolver)

    assert 2 == len(sts.requests)


def test_while_sts_is_down_good_credentials_are_used_on(
    resolver: AwsResolver, sts: FaultyServer, server: FaultyServer, clock: FakeClock
) -> None:
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    sts.answer(503)
    read(resolver)
    clock.now += 3000

    assert "x" == read(resolver).value
    assert "x" == read(resolver).value
    assert ["FIRST"] * 3 == [key_of(each) for each in server.requests]
    assert 2 == len(sts.requests)  # a failed renewal is not tried again at once


def test_an_sts_that_hangs_leaves_time_to_read(
    resolver: AwsResolver, sts: FaultyServer, clock: FakeClock
) -> None:
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    sts.answer(body="", delay=30)
    read(resolver)
    clock.now += 3000
    begun = time.monotonic()

    assert "x" == read(resolver, timeout=2.0).value
    assert time.monotonic() - begun < 1.6


def test_at_their_end_an_outage_of_sts_is_one_of_the_backend(
    resolver: AwsResolver, sts: FaultyServer, clock: FakeClock
) -> None:
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    sts.answer(503)
    read(resolver)
    clock.now += 3601

    error = failed(resolver)

    assert isinstance(error, BackendUnavailable)
    assert (Reason.SERVER, "aws") == (error.reason, error.resolver or "aws")
    assert f"taking the role '{APP}': HTTP 503" in str(error)


def test_an_sts_where_nothing_listens_is_named(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")

    error = failed(AwsResolver(endpoint_url=server.url, role_arn=APP))

    assert Reason.REFUSED == error.reason
    assert f"taking the role '{APP}': 127.0.0.1:{port}" == error.detail


def test_a_role_that_may_not_be_taken_is_named(
    sts: FaultyServer, server: FaultyServer, canary: Canary
) -> None:
    sts.answer(body=assumed(Taken("HUB")), times=1)
    sts.answer(403, {}, refused("AccessDenied", f"User is not authorized to use {canary.text}"))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=[HUB, APP], external_id=canary.text)

    error = failed(resolver)

    assert isinstance(error, AccessDenied)
    assert f"taking the role '{APP}': HTTP 403 AccessDenied, request id 1b2c-3d; allow sts:AssumeRole" in str(
        error
    )
    assert (2, 0) == (len(sts.requests), len(server.requests))
    assert_none_of([canary], printed(error) + repr(resolver) + repr(resolver.__dict__))


def test_a_duration_that_the_role_does_not_allow_is_told(sts: FaultyServer, resolver: AwsResolver) -> None:
    sts.answer(400, {}, refused("ValidationError", "DurationSeconds exceeds the MaxSessionDuration"))

    assert "role_duration may be more than the role allows" in str(failed(resolver))


def test_an_answer_of_sts_without_credentials_is_broken(sts: FaultyServer, resolver: AwsResolver) -> None:
    sts.answer(body="<html>log in</html>")

    error = failed(resolver)

    assert isinstance(error, InvalidResponse)
    assert 2 == len(sts.requests)


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_what_a_role_is_taken_with_is_looked_for_once_more(
    sts: FaultyServer, resolver: AwsResolver, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    read(resolver)
    resolver.close()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OLD")
    sts.answer(403, {}, refused(code), times=1)
    sts.answer(body=assumed(Taken("ROLE")))

    assert "x" == read(resolver).value
    assert 3 == len(sts.requests)


def test_credentials_of_a_role_that_the_service_refuses_are_taken_anew(
    sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(400, {}, refusal("ExpiredTokenException"), times=1)
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("FIRST")), times=1)
    sts.answer(body=assumed(Taken("SECOND")), times=1)
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP)

    assert "x" == read(resolver).value
    assert ["FIRST", "SECOND"] == [key_of(each) for each in server.requests]
    resolver.close()


def test_without_anything_to_take_a_role_with_it_is_a_denial(
    sts: FaultyServer, resolver: AwsResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    error = failed(resolver)

    assert isinstance(error, AccessDenied)
    assert "boto3 found no credentials" in str(error)
    assert [] == sts.requests


def test_a_role_is_not_asked_for_in_the_clear(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, resolver: AwsResolver
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.invalid:8080")

    with pytest.raises(ConfigError, match=r"\(sts\) is http on 'sts\.invalid'"):
        fetch(resolver)


def test_sts_is_asked_in_the_region_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    resolver = AwsResolver(region="ap-southeast-2", role_arn=APP)

    assert (
        "https://sts.ap-southeast-2.amazonaws.com"
        == resolver._backend.regions.first.clients.get().identity().meta.endpoint_url
    )


def test_a_child_process_takes_the_role_itself(sts: FaultyServer, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("ROLE")))
    code = f"""
        import os
        from secretsource._deadline import Deadline
        from secretsource.resolvers.aws import AwsResolver

        resolver = AwsResolver(endpoint_url={server.url!r}, role_arn={APP!r})
        read = lambda: resolver.fetch(resolver.locate("a"), Deadline(5)).value == "x"
        read()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if read() else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ("0", 2) == (ran.stdout.strip(), len(sts.requests))


def test_no_error_shows_the_credentials_of_a_role(
    sts: FaultyServer, server: FaultyServer, login: Login, canary: Canary
) -> None:
    taken = Taken("ROLE")
    sts.answer(body=assumed(taken))
    server.answer(400, {}, refusal("AccessDeniedException"))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP, external_id=canary.text)

    error = failed(resolver)

    assert_none_of(
        [canary, taken.secret_key, taken.session_token, login.secret_key, login.session_token],
        printed(error) + repr(resolver.__dict__),
    )
    resolver.close()


def test_moto_lends_a_chain_of_roles(moto: Moto, monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    hub, app = (f"arn:aws:iam::123456789012:role/{name}" for name in ("hub", "app"))
    admin = moto.client()
    admin.create_secret(Name="lent", SecretString=canary.text)
    admin.close()
    resolver = AwsResolver(endpoint_url=moto.url, role_arn=[hub, app])

    assert canary.text == read(resolver, "lent").value
    assert ":assumed-role/app/secretsource@" in str(
        resolver._backend.regions.first.clients.get().identity().get_caller_identity()["Arn"]
    )
    resolver.close()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"role_arn": ""}, "role_arn"),
        ({"role_arn": []}, "role_arn"),
        ({"role_arn": "app"}, "role_arn"),
        ({"role_arn": "arn:aws:iam::123456789012:user/app"}, "role_arn"),
        ({"role_arn": [APP, "x"]}, "role_arn"),
        ({"external_id": "anything"}, "external_id"),
        ({"role_arn": APP, "external_id": "a b"}, "external_id"),
        ({"role_session_name": "x-y"}, "role_session_name"),
        ({"role_arn": APP, "role_session_name": "a b"}, "role_session_name"),
        ({"role_duration": 900}, "role_duration"),
        ({"role_arn": APP, "role_duration": 899}, "role_duration"),
        ({"role_arn": APP, "role_duration": True}, "role_duration"),
        ({"role_arn": APP, "role_duration": 43_201}, "role_duration"),
        ({"role_arn": [HUB, APP], "role_duration": 3601}, "role_duration"),
    ],
)
def test_a_setting_of_roles_that_makes_no_sense_is_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        AwsResolver(**settings)


def test_a_session_name_of_the_environment_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "a b")
    AwsResolver()
    AwsResolver(role_arn=APP, role_session_name="shop")
    with pytest.raises(ConfigError, match="AWS_ROLE_SESSION_NAME names no session"):
        AwsResolver(role_arn=APP)


def test_an_external_id_that_is_none_is_not_shown(canary: Canary) -> None:
    with pytest.raises(ConfigError) as raised:
        AwsResolver(role_arn=APP, external_id=f"{canary.text} x")

    assert_none_of([canary], printed(raised.value))


def test_a_profile_of_the_shared_files_takes_its_roles_as_boto3_does(
    sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("HUB")), times=1)
    sts.answer(body=assumed(Taken("APP")), times=1)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[profile app]\nrole_arn = {APP}\nsource_profile = hub\nexternal_id = of-boto3\n"
        f"[profile hub]\nrole_arn = {HUB}\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = x\n"
    )
    resolver = AwsResolver(endpoint_url=server.url, profile="app")

    assert "x" == read(resolver).value
    assert [(HUB, "BASE", None), (APP, "HUB", "of-boto3")] == [
        (said["RoleArn"], key_of(request), said.get("ExternalId"))
        for said, request in zip(said_to_sts(sts), sts.requests, strict=True)
    ]
    resolver.close()


def test_a_batch_is_read_with_the_role(sts: FaultyServer, server: FaultyServer) -> None:
    values = [{"Name": name, "SecretString": name, "VersionId": "a" * 32} for name in ("a", "b")]
    server.answer(body=json.dumps({"SecretValues": values, "Errors": []}))
    sts.answer(body=assumed(Taken("ROLE")))
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP, batch=True)

    said = resolver.fetch_many([resolver.locate(name) for name in ("a", "b")], Deadline(5))

    assert ["a", "b"] == [each.value for each in said if isinstance(each, Document)]
    assert ["ROLE"] == [key_of(each) for each in server.requests]
    resolver.close()


@pytest.mark.parametrize("is_renewal", [False, True])
def test_an_sts_that_nobody_vouches_for_is_loud_also_while_credentials_are_good(
    resolver: AwsResolver,
    sts: FaultyServer,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    is_renewal: bool,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with FaultyServer(context) as stranger:
        if is_renewal:
            sts.answer(body=assumed(Taken("FIRST")))
            read(resolver)
            clock.now += 3000
            session: Any = resolver._backend.regions.first.clients.get().session()
            session._taken._client = None
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stranger.url)

        error = failed(resolver)

        assert Reason.TLS is error.reason
        assert f"taking the role '{APP}'" in error.detail
        assert [] == stranger.requests
