"""`secretsource check`: two tables, what to do, a policy to paste, and an exit status; never a value."""

from __future__ import annotations

import errno
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secretsource import (
    AccessDenied,
    Check,
    ConfigError,
    Deadline,
    Document,
    LinkCheck,
    Location,
    MissingDependency,
    NameCheck,
    NotThere,
    Reason,
    SecretNotFound,
    SecretSourceError,
    Store,
)
from secretsource.cli import _check
from secretsource.cli._exit import STATUSES, worst
from secretsource.cli._json import check_as_json
from secretsource.cli._problems import problems
from secretsource.cli._table import WIDTH, table
from secretsource.cli._words import ADVICE, ago, duration, said_by
from secretsource.errors import resolver_error
from secretsource.resolvers import Health
from secretsource.testing import MemoryResolver
from tests.cli.conftest import Run
from tests.docs.tables import code_in, table_under
from tests.fakes import FakeResolver

NO_SERVER = {"SECRETSOURCE_CHAIN": "vault", "VAULT_ADDR": "http://127.0.0.1:9", "VAULT_TOKEN": "t"}


def cells(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]


def text_of(found: Check) -> str:
    return _check._as_text(found, False)


def rule_of(text: str, head: str) -> list[str]:
    lines = text.splitlines()
    return lines[[line.startswith(head) for line in lines].index(True) + 2 :]


class Declared(MemoryResolver):
    """One whose policy has several lines."""

    def policy_for(self, locations: Sequence[Location]) -> str:
        return 'path "x" {\n  capabilities = ["read"]\n}\n'


class TestCommand:
    def test_without_any_configuration_the_links_are_checked(self, run: Run, project: Path) -> None:
        (project / ".env").write_text("A_B=x\n")
        (project / ".env").chmod(0o600)
        done = run("check")
        lines = cells(done.stdout.decode())
        assert (0, b"") == (done.returncode, done.stderr)
        assert [["env", "ok"], ["dotenv", "ok"]] == [line[:2] for line in lines[2:4]]
        assert [".env", "(mode", "0600)", "in"] == lines[3][2:6]
        assert "no names: the configuration tells of none, and none was given" == " ".join(lines[-1])

    def test_the_names_of_the_configuration_are_asked_for(self, run: Run, project: Path) -> None:
        (project / "secretsource.toml").write_text(
            'chain = ["env"]\n[secrets."a/b"]\n[secrets."c/d"]\nrequired = false\n'
        )
        done = run("check", A_B="x")
        lines = [" ".join(line) for line in cells(done.stdout.decode())]
        assert 0 == done.returncode
        assert ["a/b found env A_B", "c/d not there (optional)"] == lines[-2:]

    def test_names_that_are_given_are_asked_for_alone(self, run: Run, project: Path) -> None:
        (project / "secretsource.toml").write_text('chain = ["env"]\n[secrets."a/b"]\n')
        told = json.loads(run("check", "--json", "c/d", "e", C_D="x").stdout)
        assert [("c/d", "env"), ("e", None)] == [(name["name"], name["link"]) for name in told["names"]]

    def test_no_names_reads_none(self, run: Run, project: Path) -> None:
        (project / "secretsource.toml").write_text('chain = ["env"]\n[secrets."a/b"]\n')
        done = run("check", "--no-names", "--json")
        assert (0, []) == (done.returncode, json.loads(done.stdout)["names"])
        assert 2 == run("check", "--no-names", "a/b").returncode

    def test_no_value_is_shown(self, run: Run) -> None:
        value = secrets.token_hex(8)
        for more in ((), ("--json",)):
            done = run("check", *more, "a/b", A_B=value)
            assert 0 == done.returncode
            assert value.encode() not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("status", "arguments", "variables"),
        [
            (0, ("a/b",), {"A_B": "x"}),
            (1, ("a/b", "c/d"), {"A_B": "x"}),
            (2, ("a/b", "../b"), {"A_B": "x"}),
            (2, ("--timeout", "-1"), {}),
            (2, ("--timeout", "nan"), {}),
            (2, ("--timeout", "inf"), {}),
            (3, ("--profile", "prod"), {}),
            (3, (), {"SECRETSOURCE_CHAIN": "env,valt"}),
            (4, ("a/b",), {"SECRETSOURCE_CHAIN": "vault", "VAULT_ADDR": "http://127.0.0.1:9"}),
            (5, ("a/b",), NO_SERVER),
            (5, ("--timeout", "0.2", "a/b"), NO_SERVER),
        ],
    )
    def test_the_exit_status_is_the_worst_of_all(
        self, run: Run, status: int, arguments: tuple[str, ...], variables: dict[str, str]
    ) -> None:
        done = run("check", *arguments, **variables)
        assert status == done.returncode
        assert b"Traceback" not in done.stderr
        assert (status in {2, 3}) == (done.stdout == b"") == (done.stderr != b"")

    def test_a_broken_file_is_anything_else_and_counts_more_than_not_there(
        self, run: Run, project: Path
    ) -> None:
        (project / ".env").write_text("no sense\n'\n")
        assert 6 == run("check").returncode
        assert 6 == run("check", "a/b").returncode

    def test_a_file_that_nobody_may_trust_is_a_wrong_configuration(self, run: Run, project: Path) -> None:
        (project / ".env").write_text("A_B=x\n")
        (project / ".env").chmod(0o666)
        assert 3 == run("check").returncode

    def test_json_tells_its_own_exit_status(self, run: Run) -> None:
        done = run("check", "--json", "a/b")
        assert 1 == done.returncode == json.loads(done.stdout)["status"]

    def test_ctrl_c_ends_it_at_once(self, project: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as hangs:
            address = f"http://127.0.0.1:{hangs.getsockname()[1]}"
            child = subprocess.Popen(
                [sys.executable, "-c", "from secretsource.cli import main; main()", "check", "a/b"],
                cwd=project,
                env={"PATH": os.environ["PATH"], **NO_SERVER, "VAULT_ADDR": address},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            connection, _ = hangs.accept()
            child.send_signal(signal.SIGINT)
            said, told = child.communicate(timeout=5)
            connection.close()
        assert (130, b"", b"") == (child.returncode, said, told.strip())

    def test_a_server_that_hangs_is_told_in_time(self, run: Run) -> None:
        with socket.create_server(("127.0.0.1", 0)) as hangs:
            address = f"http://127.0.0.1:{hangs.getsockname()[1]}"
            variables = {**NO_SERVER, "SECRETSOURCE_CHAIN": "env,vault", "VAULT_ADDR": address}
            started = time.monotonic()
            done = run("check", "--json", "--timeout", "0.5", "a/b", "c/d", A_B="x", **variables)
            took = time.monotonic() - started
        told = json.loads(done.stdout)
        assert took < 5
        assert 5 == done.returncode
        assert [None, "timeout"] == [name["error"] and name["error"]["reason"] for name in told["names"]]

    def test_a_control_character_reaches_no_terminal(self, run: Run) -> None:
        done = run("check", "a\x1b[31m/b")
        assert b"\x1b" not in done.stdout + done.stderr


class TestTables:
    def test_a_link_has_what_it_says_of_itself(self) -> None:
        memory = MemoryResolver()
        memory.health = Health(identity="app mailer", expires_in=3559.0, detail="version 7")
        text = text_of(Store([memory]).check(()))
        assert ["memory", "ok", "app", "mailer", "in", "59", "min", "version", "7"] == cells(text)[2][:9]

    def test_a_link_that_has_no_check_says_so(self) -> None:
        text = text_of(Store([FakeResolver()]).check(()))
        assert "fake no check asked for names only" == " ".join(cells(text)[2])

    def test_a_name_has_its_link_version_and_age(self) -> None:
        resolver = FakeResolver()
        made = datetime.now(UTC) - timedelta(days=3, hours=1)
        resolver.says["a"] = Document(value="x", version="7", created=made, lease=3600)
        line = " ".join(rule_of(text_of(Store([resolver]).check(["a"])), "name")[0].split())
        assert "a found, lent for 60 min fake a 7 3 d ago" == line

    @pytest.mark.parametrize(
        "long", ["x" * 150, "arn:aws:sts::123456789012:assumed-role/" * 6, "many words " * 30]
    )
    def test_they_fit_into_100_columns_whatever_is_in_them(self, long: str) -> None:
        memory = MemoryResolver({f"{'n' * 120}/{'m' * 100}": "x"})
        memory.health = Health(identity=long, detail=long)
        text = text_of(Store([memory]).check([f"{'n' * 120}/{'m' * 100}"]))
        assert max(map(len, text.splitlines())) <= WIDTH
        assert long.replace(" ", "") * 2 in "".join(sorted_by_column(text))

    def test_nothing_reaches_a_terminal_unescaped(self) -> None:
        memory = MemoryResolver()
        memory.health = Health(identity="\x1b]0;title\x07", detail="a\nb")
        text = text_of(Store([memory]).check(()))
        assert "\\x1b]0;title\\x07" in text
        assert "a\\nb" in text

    def test_a_column_that_is_empty_is_left_out(self) -> None:
        assert ["a c", "- -", "1 3"] == [
            " ".join(line.split())
            for line in table([("a", "b", "c"), ("1", "", "3")], width=WIDTH).splitlines()
        ]

    def test_a_table_that_is_not_fitted_stays_as_wide_as_it_is(self) -> None:
        assert "x" * 300 == table([("head",), ("x" * 300,)]).splitlines()[-1]
        assert "a  b" == table([("a", "b"), ("1", "")]).splitlines()[0]


def sorted_by_column(text: str) -> Iterable[str]:
    """Return what stands in the columns of the first table that hold a long text, column by column."""
    lines = text.split("\n\n", maxsplit=1)[0].splitlines()
    at = 0
    for width in map(len, lines[1].split("  ")):
        yield from (line[at : at + width].replace(" ", "") for line in lines[2:])
        at += width + 2


class TestProblems:
    def test_all_is_well_without_a_word_more(self) -> None:
        assert [] == problems(Store([MemoryResolver({"a": "x"})]).check(["a"]))

    def test_each_reason_says_what_to_do(self) -> None:
        assert set(Reason) == set(ADVICE)

    @pytest.mark.parametrize(
        "reason", [Reason.REFUSED, Reason.TLS, Reason.SEALED, Reason.BROKEN, Reason.DENIED]
    )
    def test_what_a_link_says_of_itself_and_of_names_is_told_once(self, reason: Reason) -> None:
        memory = MemoryResolver(name="vault")
        memory.fail(reason)
        first, *policies = problems(Store([memory]).check(["a", "b/c"]))
        lines = first.splitlines()
        assert [f"vault: {reason.text}", "  a at a", "  b/c at b#c"] == lines[:3]
        assert lines[3].startswith("  do: ")
        assert [] == policies

    def test_a_detail_that_is_the_links_own_is_not_repeated(self) -> None:
        link = LinkCheck(link="vault", error=resolver_error(Reason.REFUSED, "127.0.0.1:9"))
        error = resolver_error(Reason.REFUSED, "127.0.0.1:9").copy(resolver="vault", location="a")
        (block,) = problems(Check(links=(link,), names=(NameCheck(name="a", error=error),)))
        assert 1 == block.count("127.0.0.1:9")

    def test_what_is_not_there_is_told_with_every_place(self) -> None:
        chain = [MemoryResolver(name="one"), MemoryResolver({"a": {"other": "x"}}, name="two")]
        (block,) = problems(Store(chain).check(["a/b"]))
        assert ["not there", "  a/b", "    one at a#b: not there", "    two at a#b: no such field"] == (
            block.splitlines()[:4]
        )
        assert ADVICE[Reason.FIELD] in " ".join(block.split())

    def test_what_may_be_hidden_points_to_the_policy(self) -> None:
        memory = Declared(name="conjur")
        memory.script("a", NotThere(detail="missing, or not visible to 'host/x'", may_be_hidden=True))
        block, policy = problems(Store([memory]).check(["a"]))
        assert "if it is there and hidden, load the policy below" in " ".join(block.split())
        assert policy.startswith("policy for conjur, to read a:")
        (plain,) = problems(Store([memory]).check(["b"]))
        assert "hidden" not in plain

    def test_a_refused_login_says_so_and_names_what_it_keeps_back(self) -> None:
        link = LinkCheck(link="vault", error=AccessDenied("refused secret_id"))
        error = AccessDenied("refused secret_id").copy(resolver="vault")
        (block,) = problems(Check(links=(link,), names=(NameCheck(name="a", error=error),)))
        assert ["vault: access denied (refused secret_id)", "  a"] == block.splitlines()[:2]
        assert block.splitlines()[2].startswith("  do: check the login: ")

    def test_fields_of_one_document_have_a_place_of_their_own(self) -> None:
        memory = MemoryResolver()
        memory.script("db/user", resolver_error(Reason.SEALED, location="db#user"))  # the fetch is for both
        (block,) = problems(Store([memory]).check(["db/user", "db/password"]))
        assert ["  db/user at db#user", "  db/password at db#password"] == block.splitlines()[1:3]

    def test_what_may_be_not_there_is_no_problem(self) -> None:
        name = NameCheck(name="a", required=False, error=SecretNotFound("a"))
        assert [] == problems(Check(links=(), names=(name,)))

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (ConfigError("no address"), "wrongly configured"),
            (MissingDependency("hvac"), "a package is missing"),
        ],
    )
    def test_a_wrong_configuration_says_itself_what_to_do(self, error: SecretSourceError, said: str) -> None:
        check = Check(
            links=(LinkCheck(link="vault", error=error),), names=(NameCheck(name="a", error=error),)
        )
        assert [f"vault: {said} ({error})", f"a: {said} ({error})"] == problems(check)

    def test_a_link_that_refused_the_login_too_is_first_a_matter_of_the_login(self) -> None:
        link = LinkCheck(link="vault", error=AccessDenied("HTTP 403"), policy="path …", policy_names=("a",))
        name = NameCheck(name="a", error=AccessDenied("HTTP 403, no read").copy(resolver="vault"))
        denied, _ = problems(Check(links=(link,), names=(name,)))
        assert denied.splitlines()[-1].startswith("  do: check the login first, as it was refused too")

    def test_a_wrong_configuration_is_told_once_for_all_names(self) -> None:
        error = ConfigError("no address")
        names = tuple(NameCheck(name=name, error=error) for name in ("a", "b"))
        assert ["a, b: wrongly configured (no address)"] == problems(Check(links=(), names=names))

    @pytest.mark.parametrize("of_link", [True, False])
    def test_a_file_that_may_not_be_read_is_no_matter_of_the_login(self, of_link: bool) -> None:
        denied = AccessDenied(f"'/run/token': {os.strerror(errno.EACCES)}").copy(resolver="vault")
        links = (LinkCheck(link="vault", error=denied),) if of_link else ()
        (block,) = problems(Check(links=links, names=(NameCheck(name="a", error=denied),)))
        assert "  do: let the user that this runs as read the file" == block.splitlines()[-1]

    def test_a_policy_can_be_pasted_as_it_stands(self) -> None:
        memory = Declared({"x/a": "x"}, name="vault")
        memory.deny("x/a")
        denied, policy = problems(Store([memory]).check(["x/a", "x/b"]))
        assert "  do: load the policy below, or check the login" == denied.splitlines()[-1]
        head, _, rest = policy.partition("\n\n")
        assert "policy for vault, to read x/a, x/b:" == head
        assert 'path "x" {\n  capabilities = ["read"]\n}' == rest

    def test_lines_are_wrapped_and_policies_are_not(self) -> None:
        long = " ".join(["word"] * 60)
        link = LinkCheck(
            link="vault",
            error=AccessDenied(long),
            policy=long,
            policy_names=tuple(f"name/{n}" for n in range(60)),
        )
        block, policy = problems(Check(links=(link,)))
        head, _, rest = policy.partition("\n\n")
        assert max(map(len, [*block.splitlines(), *head.splitlines()])) <= WIDTH
        assert long == rest

    def test_nothing_of_a_backend_reaches_a_terminal_unescaped(self) -> None:
        link = LinkCheck(link="vault", error=AccessDenied("\x1b[2J"), policy="a\x1b[2J\nb")
        assert "\x1b" not in "".join(problems(Check(links=(link,))))


class TestJson:
    def test_every_key_is_there_whatever_was_found(self) -> None:
        resolver = FakeResolver()
        made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        resolver.says["a"] = Document(value="x", version="7", created=made, lease=60)
        denied = MemoryResolver({"b": "x"})
        denied.deny("b")
        denied.health = Health(identity="me", expires_in=60, detail="version 7")
        told = json.loads(json.dumps(check_as_json(Store([resolver, denied]).check(["a", "b"]), 4)))
        fake, memory = told["links"]
        assert ("fake", False, None, None, None, None, None) == tuple(
            fake[key] for key in ("link", "checked", "identity", "expires_in", "detail", "error", "policy")
        )
        assert ("memory", True, "me", 60, "version 7", None) == tuple(
            memory[key] for key in ("link", "checked", "identity", "expires_in", "detail", "error")
        )
        assert {"names": ["b"], "text": "allow reading b\n"} == memory["policy"]
        found, missing = told["names"]
        assert ("a", True, "fake", "a", "7", "2026-01-02T03:04:05+00:00", 60, None) == tuple(
            found[key]
            for key in ("name", "required", "link", "location", "version", "created", "lease", "error")
        )
        assert [{"link": "memory", "location": "a"}] == found["not_asked"]
        assert {"type": "AccessDenied", "reason": "denied", "detail": ""} == missing["error"]
        assert [("fake", "not there"), ("memory", "denied")] == [
            (step["link"], step["outcome"]) for step in missing["steps"]
        ]
        assert fake.keys() == memory.keys()
        assert found.keys() == missing.keys()

    def test_every_key_is_described(self) -> None:
        told = check_as_json(Store([MemoryResolver({"a": "x"})]).check(["a"]), 0)
        for part, first in (("links", "key of a link"), ("names", "key of a name")):
            rows = table_under("how-to/check.md", "## For programs", first)
            (each,) = told[part]  # type: ignore[misc]  # JSON: a list of one
            assert list(each) == [key for row in rows for key in code_in(row[first])]

    def test_a_wrong_configuration_has_no_reason(self) -> None:
        link = LinkCheck(link="vault", error=ConfigError("no address"))
        told = check_as_json(Check(links=(link,)), 3)
        assert [{"type": "ConfigError", "reason": None, "detail": "no address"}] == [
            each["error"]
            for each in told["links"]  # type: ignore[attr-defined]  # JSON: a list
        ]


class TestWords:
    def test_of_many_the_highest_status_counts(self) -> None:
        assert [0, 1, 4, 5, 6] == [
            worst(errors)
            for errors in (
                [],
                [SecretNotFound("a")],
                [SecretNotFound("a"), AccessDenied(), ConfigError()],
                [AccessDenied(), resolver_error(Reason.TIMEOUT), SecretNotFound("a")],
                [resolver_error(Reason.BROKEN), resolver_error(Reason.TIMEOUT)],
            )
        ]
        assert sorted(status for _, status in STATUSES) == [status for _, status in STATUSES]

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (-1, "0 s"),
            (0.5, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (200_000, "2 d"),
        ],
    )
    def test_a_time_is_told_in_the_largest_unit_that_fits_twice(self, seconds: float, words: str) -> None:
        assert words == duration(seconds)

    def test_a_moment_without_a_zone_is_one_of_utc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moment = datetime.now(UTC) - timedelta(hours=5, seconds=5)
        try:
            with monkeypatch.context() as patch:
                patch.setenv("TZ", "Asia/Tokyo")
                time.tzset()
                assert ["5 h ago", "5 h ago"] == [ago(moment), ago(moment.replace(tzinfo=None))]
        finally:
            time.tzset()

    def test_why_it_is_not_there_is_said_by_the_link_that_knows_more(self) -> None:
        chain = [MemoryResolver({"a": "x"}, name="one"), MemoryResolver(name="two")]
        chain[0].remove("a")
        (name,) = Store(chain).check(["a"]).names
        assert name.error is not None
        assert "deleted" == said_by(name.error)


def test_a_deadline_is_given_to_every_check() -> None:
    given: list[float] = []

    class Notes(MemoryResolver):
        def check(self, deadline: Deadline) -> Health:
            given.append(deadline.remaining)
            return super().check(deadline)

    Store([Notes(), Notes(name="other")]).check((), timeout=3)
    assert [True, True] == [2 < seconds <= 3 for seconds in given]
