"""`secretsource explain`: each link, where it looked, what it said, how long it took; never a value."""

import json
import secrets
from pathlib import Path

from secretsource.cli._table import table
from tests.cli.conftest import Run


def test_each_link_tells_where_it_looked_and_what_it_said(run: Run, project: Path) -> None:
    (project / ".env").write_text("A_B=value\n")
    lines = [line.split() for line in run("explain", "a/b").stdout.decode().splitlines()]
    assert ["1", "env", "A_B", "not", "there"] == lines[4][:5]
    assert ["2", "dotenv", "A_B", "in", ".env.local,", ".env", "found"] == lines[5][:7]
    assert ["found", "by", "dotenv"] == lines[-1]


def test_links_behind_the_one_that_decided_are_not_asked(run: Run) -> None:
    assert "not asked" in run("explain", "a/b", A_B="value").stdout.decode()


def test_no_value_is_shown(run: Run) -> None:
    value = secrets.token_hex(8)
    for more in ((), ("--json",)):
        done = run("explain", *more, "a/b", A_B=value)
        assert 0 == done.returncode
        assert value.encode() not in done.stdout + done.stderr


def test_the_exit_status_is_that_of_get(run: Run) -> None:
    assert [1, 2] == [run("explain", "a/b").returncode, run("explain", "a//b").returncode]


def test_json_has_the_same(run: Run) -> None:
    told = json.loads(run("explain", "--json", "a/b").stdout)
    assert ["a/b", "SecretNotFound"] == [told["name"], told["error"]]
    assert [("env", "not there", "missing"), ("dotenv", "not there", "missing")] == [
        (step["link"], step["outcome"], step["reason"]) for step in told["steps"]
    ]


def test_an_outage_is_told_with_its_endpoint(run: Run) -> None:
    done = run("explain", "a/b", SECRETSOURCE_CHAIN="vault", VAULT_ADDR="http://127.0.0.1:9", VAULT_TOKEN="t")
    assert 5 == done.returncode
    assert "connection refused or closed (127.0.0.1:9)" in done.stdout.decode()


def test_what_a_server_says_reaches_no_terminal_unescaped() -> None:
    shown = table([("version",), ("1\x1b]0;title\x07\n2 found",)])
    assert "1\\x1b]0;title\\x07\\n2 found" == shown.splitlines()[-1]
