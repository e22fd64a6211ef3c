"""`secretsource get`: the bare value on standard output, and nothing else."""

import os
import pty
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_value_and_nothing_else_goes_into_a_pipe(run: Run) -> None:
    value = secrets.token_hex(8)
    done = run("get", "pepipost/api_key", PEPIPOST_API_KEY=value)
    assert (0, value.encode(), b"") == (done.returncode, done.stdout, done.stderr)


def test_bytes_are_exact(run: Run, project: Path) -> None:
    (project / "key").write_bytes(bytes(range(256)))
    assert bytes(range(256)) == run("get", "tls/key", TLS_KEY_FILE=str(project / "key")).stdout


def test_a_terminal_gets_one_newline_more(project: Path) -> None:
    value = secrets.token_hex(8)
    ours, theirs = pty.openpty()
    program = "from secretsource.cli import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", program, "get", "a/b"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "A_B": value},
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    assert 0 == child.wait(timeout=60)
    os.close(theirs)
    assert f"{value}\r\n".encode() == os.read(ours, 100)
    os.close(ours)
    assert child.stderr is not None
    child.stderr.close()


@pytest.mark.parametrize("command", ["get", "explain", "check"])
def test_a_reader_that_has_gone_ends_it_silently_and_is_not_taken_for_not_there(
    project: Path, command: str
) -> None:
    program = "from secretsource.cli import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", program, command, "a/b"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "A_B": "x" * 100},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert b"" == child.stderr.read()
    child.stderr.close()
    assert 141 == child.wait(timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_told_and_is_not_taken_for_not_there(run: Run, project: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run("get", "a/b", A_B="x", stdout=full)
    assert (6, b"secretsource: standard output: No space left on device\n") == (done.returncode, done.stderr)


def test_ctrl_c_is_not_taken_for_not_there(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        child = subprocess.Popen(
            [sys.executable, "-c", "from secretsource.cli import main; main()", "get", "a/b"],
            cwd=project,
            env={
                "PATH": os.environ["PATH"],
                "SECRETSOURCE_CHAIN": "vault",
                "VAULT_ADDR": f"http://127.0.0.1:{hangs.getsockname()[1]}",
                "VAULT_TOKEN": "t",
            },
            stderr=subprocess.PIPE,
        )
        connection, _ = hangs.accept()
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
        connection.close()
    assert (130, b"") == (child.returncode, told.strip())


@pytest.mark.parametrize(
    ("status", "arguments", "variables"),
    [
        (1, ("a/b",), {}),
        (2, ("../b",), {}),
        (2, (), {}),
        (2, ("--nonsense", "a/b"), {}),
        (3, ("a/b",), {"SECRETSOURCE_CHAIN": "env,valt"}),
        (3, ("--profile", "prod", "a/b"), {}),
        (
            5,
            ("a/b",),
            {"SECRETSOURCE_CHAIN": "vault", "VAULT_ADDR": "http://127.0.0.1:9", "VAULT_TOKEN": "t"},
        ),
        (4, ("a/b",), {"SECRETSOURCE_CHAIN": "vault", "VAULT_ADDR": "http://127.0.0.1:9"}),
    ],
)
def test_the_exit_status_tells_the_kind_of_failure(
    run: Run, status: int, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    done = run("get", *arguments, **variables)
    assert (status, b"") == (done.returncode, done.stdout)
    assert b"" != done.stderr
    assert b"Traceback" not in done.stderr


def test_an_unreadable_answer_is_anything_else(run: Run, project: Path) -> None:
    (project / ".env").write_text("no sense\n'\n")
    assert 6 == run("get", "a/b").returncode


def test_the_message_lists_where_it_looked(run: Run) -> None:
    message = run("get", "a/b").stderr.decode()
    assert "secretsource: 'a/b' was not found; asked:" == message.splitlines()[0]
    assert [
        "  1. env at A_B: not there",
        "  2. dotenv at A_B in .env.local, .env: not there",
    ] == message.splitlines()[1:]


def test_a_profile_selects_the_layers(run: Run, project: Path) -> None:
    (project / ".env").write_text("A_B=base\n")
    (project / ".env.staging").write_text("A_B=staging\n")
    assert [b"base", b"staging"] == [
        run("get", "a/b").stdout,
        run("get", "--profile", "staging", "a/b").stdout,
    ]


def test_a_configuration_file_can_be_named(run: Run, project: Path) -> None:
    (project / "other.toml").write_text('chain = ["env"]\n[secrets."a/b"]\nenv = "ELSEWHERE"\n')
    assert b"v" == run("get", "--config", "other.toml", "a/b", ELSEWHERE="v").stdout


def test_a_control_character_in_a_name_reaches_no_terminal(run: Run) -> None:
    assert b"\x1b" not in run("get", "a\x1b[31m/b").stderr
