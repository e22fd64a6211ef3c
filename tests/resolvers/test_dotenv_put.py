from __future__ import annotations

import os
import secrets
import signal
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    Deadline,
    DeadlineExceeded,
    Document,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    WriteConflict,
)
from secretsource.errors import SecretSourceError
from secretsource.resolvers import SupportsPut, _dotenv_put
from secretsource.resolvers._file_replaced import alone_in, replace_file
from secretsource.resolvers.dotenv import DotenvResolver
from tests.resolvers.unprivileged import unprivileged


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root, and the working directory."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def put(
    value: str | bytes, name: str = "a", resolver: DotenvResolver | None = None, expected: str | None = None
) -> object:
    resolver = resolver or DotenvResolver()
    return resolver.put(resolver.locate(name), value, Deadline(5), expected=expected).value


def read(name: str = "a", resolver: DotenvResolver | None = None) -> object:
    resolver = resolver or DotenvResolver()
    answer = resolver.fetch(resolver.locate(name), Deadline(5))
    return answer.value if isinstance(answer, Document) else answer


def changed(content: str, value: str, project: Path) -> str:
    """Return what a file with this content is after the name ``a`` was put."""
    (project / ".env").write_bytes(content.encode())
    put(value)
    return (project / ".env").read_bytes().decode()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_can_write() -> None:
    assert isinstance(DotenvResolver(), SupportsPut)


# Which layer


@pytest.mark.parametrize(
    ("there", "profile", "written"),
    [
        ([], None, ".env"),
        ([".env"], None, ".env"),
        ([".env.local"], None, ".env.local"),
        ([".env", ".env.local"], None, ".env.local"),
        ([], "prod", ".env.prod.local"),
        ([".env", ".env.prod"], "prod", ".env.prod.local"),
        ([".env", ".env.local"], "prod", ".env.local"),
        ([".env.local", ".env.prod.local"], "prod", ".env.prod.local"),
    ],
)
def test_a_new_key_is_written_where_it_is_not_shared(
    there: list[str], profile: str | None, written: str, project: Path
) -> None:
    for layer in there:
        (project / layer).write_text("B=other\n")
    value = secrets.token_hex()
    resolver = DotenvResolver(profile=profile)
    assert value == put(value, resolver=resolver)
    assert f"A={value}\n" in (project / written).read_text()
    assert [written] == [each.name for each in project.glob(".env*") if value in each.read_text()]


@pytest.mark.parametrize("layer", [".env.prod.local", ".env.local", ".env.prod", ".env"])
def test_a_known_key_is_written_where_it_is(layer: str, project: Path) -> None:
    for name in (".env.prod.local", ".env.local", ".env.prod", ".env"):
        (project / name).write_text("B=other\n")
    (project / layer).write_text("A=old\n")
    value = secrets.token_hex()
    assert value == put(value, resolver=DotenvResolver(profile="prod"))
    assert f"A={value}\n" == (project / layer).read_text()


def test_the_layer_that_wins_is_written_and_the_others_stay(project: Path) -> None:
    (project / ".env").write_text("A=base\n")
    (project / ".env.local").write_text("A=local\n")
    put("x")
    assert ("A=base\n", "A=x\n") == ((project / ".env").read_text(), (project / ".env.local").read_text())


def test_a_given_file_is_written(project: Path) -> None:
    put("x", resolver=DotenvResolver(path="my.env"))
    assert "A=x\n" == (project / "my.env").read_text()


def test_prefix_and_reference_say_the_key(project: Path) -> None:
    put("x", resolver=DotenvResolver(prefix="MYAPP_"))
    put("y", "dotenv://other-key")
    assert "MYAPP_A=x\nother-key=y\n" == (project / ".env").read_text()


# What stays


@pytest.mark.parametrize(
    ("content", "value", "after"),
    [
        ("", "x", "A=x\n"),
        ("B=b", "x", "B=b\nA=x\n"),
        ("B=b\r\n", "x", "B=b\r\nA=x\r\n"),
        ("# A=comment\n", "x", "# A=comment\nA=x\n"),
        ("A=old", "x", "A=x"),
        ("A=old\nB=b\n", "x", "A=x\nB=b\n"),
        ("A=old\r\nB=b\r\n", "x", "A=x\r\nB=b\r\n"),
        ("A=old\rB=b\r", "x", "A=x\rB=b\r"),
        ("\ufeffA=old\n", "x", "\ufeffA=x\n"),
        ("  export A = old  # why\n", "x", "  export A = x  # why\n"),
        ("A='old' # why\n", "x", "A='x' # why\n"),
        ('A="old"\n', "x", 'A="x"\n'),
        ('A="one\ntwo" # why\nB=b\n', "x", 'A="x" # why\nB=b\n'),
        ("A=\nB=b\n", "x", "A=x\nB=b\n"),
        ("A= # why\n", "x", "A= x # why\n"),
        ("A\nB=b\n", "x", "A=x\nB=b\n"),
        ("A # why\n", "x", "A=x # why\n"),
        ("A#why\n", "x", "A=x #why\n"),
        ("A=1\nB=b\nA=2\nA\n", "x", "A=1\nB=b\nA=2\nA=x\n"),
        ("\n\n  A=old\n\n", "x", "\n\n  A=x\n\n"),
        ("AA=1\nA=old\nA_B=2\n", "x", "AA=1\nA=x\nA_B=2\n"),
        ("'A'=old\n", "x", "'A'=x\n"),
        ("A=old\n", "with blank", "A='with blank'\n"),
        ("A=old\n", "it's", 'A="it\'s"\n'),
        ("A=old\n", "${HOME} #", "A='${HOME} #'\n"),
        ("A=old\n", "one\ntwo\r\n", 'A="one\\ntwo\\r\\n"\n'),
        ("A='old'\n", 'a"b', "A='a\"b'\n"),
        ('A="old"\n', 'a"b\\c', 'A="a\\"b\\\\c"\n'),
        ("A=old\n", "", "A=''\n"),
    ],
)
def test_one_value_is_written_and_every_other_byte_stays(
    content: str, value: str, after: str, project: Path
) -> None:
    assert after == changed(content, value, project)
    assert value == read()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [
                "A=1",
                "A='one\ntwo' # c",
                'export A = "x\\"y" #c',
                "A",
                "B=b # A=2",
                "# A=3",
                "",
                "  ",
                "B='A=4'",
                "A= # c",
                "\ufeff# mark",
            ]
        )
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.one_of(st.text(), st.text("ab =\"'#$\\\n\r\t{}/ü\u2028\x85")),
)
def test_whatever_is_put_is_read_by_us_and_by_python_dotenv_and_nothing_else_changes(
    project: Path, lines: list[str], end: str, value: str
) -> None:
    content = end.join(lines)
    (project / ".env").write_bytes(content.encode())
    others = {key: held for key, held in _parsed(project).items() if key != "A"}
    try:
        assert value == put(value)
    except InvalidValue:
        assert "\0" in value or any(0xD800 <= ord(char) < 0xE000 for char in value)
        assert content == (project / ".env").read_bytes().decode()
        return
    assert value == read()
    assert {**others, "A": value} == _parsed(project)


def _parsed(project: Path) -> dict[str, str | None]:
    with (project / ".env").open(encoding="utf-8", newline="") as file:
        return dict(dotenv_values(stream=file, interpolate=False))


# Who may read and write it


def test_a_new_file_is_for_its_owner_alone(project: Path) -> None:
    before = os.umask(0)
    try:
        put("x")
    finally:
        os.umask(before)
    assert 0o600 == mode(project / ".env")


@pytest.mark.parametrize("given_mode", [0o600, 0o640, 0o644, 0o400])
def test_a_known_file_keeps_its_mode(given_mode: int, project: Path) -> None:
    (project / ".env").write_text("A=old\n")
    (project / ".env").chmod(given_mode)
    put("x")
    assert given_mode == mode(project / ".env")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_known_file_keeps_its_owner(project: Path) -> None:
    (project / "my.env").write_text("A=old\n")
    os.chown(project / "my.env", 1234, 4321)
    put("x", resolver=DotenvResolver(path="my.env"))
    status = (project / "my.env").stat()
    assert (1234, 4321) == (status.st_uid, status.st_gid)


def test_a_file_that_everybody_may_write_is_refused_and_stays(project: Path) -> None:
    (project / ".env").write_text("A=old\n")
    resolver = DotenvResolver()
    (project / ".env").chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        put("x", resolver=resolver)
    assert "A=old\n" == (project / ".env").read_text()


@pytest.mark.parametrize("content", ["A=old\n", None])
def test_a_link_is_not_written_through_and_not_replaced(content: str | None, project: Path) -> None:
    if content is not None:
        (project / "elsewhere").write_text(content)
    (project / ".env").symlink_to("elsewhere")
    with pytest.raises(AccessDenied, match="is a link"):
        put("x")
    assert (project / ".env").is_symlink()
    assert content == ((project / "elsewhere").read_text() if content else None)


def test_a_folder_that_may_not_be_written_is_a_denial() -> None:
    with unprivileged() as folder:
        (folder / "closed").mkdir()
        (folder / "closed" / ".env").write_text("A=old\n")
        resolver = DotenvResolver(path=str(folder / "closed"))
        (folder / "closed").chmod(0o500)
        with pytest.raises(AccessDenied, match="cannot be written"):
            put("x", resolver=resolver)
        assert "A=old\n" == (folder / "closed" / ".env").read_text()
        (folder / "closed").chmod(0o700)


# What is refused


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"bytes", "cannot hold bytes"),
        ("nu\0ll", "null character"),
        ("\ud800", "surrogate"),
        (" " * 257, "blanks in a row"),
        ("x" * 1_048_577, "more than 1,048,576 bytes"),
    ],
    ids=["bytes", "null", "half", "blanks", "long"],
)
def test_a_value_that_would_not_be_read_again_is_refused_and_nothing_is_written(
    value: str | bytes, words: str, project: Path
) -> None:
    with pytest.raises(InvalidValue, match=words):
        put(value)
    assert [] == list(project.glob(".env*"))


def test_a_file_that_would_have_too_many_lines_is_not_written(project: Path) -> None:
    (project / ".env").write_text("B=b\n" * 10_000)
    with pytest.raises(InvalidValue, match="more than 10,000 lines"):
        put("x")


@pytest.mark.parametrize("reference", ["dotenv://a%20b", "dotenv://%23a", "dotenv://%27a"])
def test_what_is_no_key_of_a_line_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference, match="no key of a line"):
        put("x", reference)


def test_a_path_is_refused() -> None:
    resolver = DotenvResolver()
    with pytest.raises(InvalidReference):
        resolver.put(resolver.locate("db", document=True), "x", Deadline(5))


def test_a_version_that_is_expected_is_a_conflict_because_there_are_none(project: Path) -> None:
    with pytest.raises(WriteConflict, match="no versions"):
        put("x", expected="1")
    assert not (project / ".env").exists()


@pytest.mark.parametrize("content", ["B='open\n", "A=old\nB='open\n"])
def test_a_file_with_a_line_that_cannot_be_read_is_left_as_it_is(content: str, project: Path) -> None:
    (project / ".env").write_text(content)
    with pytest.raises(InvalidResponse, match="cannot be read"):
        put("x")
    assert content == (project / ".env").read_text()


# Others, and failures


def test_processes_that_put_at_the_same_time_all_find_their_value(project: Path) -> None:
    code = (
        "import sys\nfrom secretsource import Deadline\nfrom secretsource.resolvers.dotenv import DotenvResolver\n"
        "r = DotenvResolver()\n"
        "for n in range(10): r.put(r.locate(f'k{sys.argv[1]}_{n}'), f'v{n}', Deadline(30))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(3)]
    assert [0, 0, 0] == [each.wait() for each in running]
    assert {f"K{p}_{n}": f"v{n}" for p in range(3) for n in range(10)} == _parsed(project)
    assert [".env"] == [each.name for each in project.glob(".env*")]


def test_threads_that_put_at_the_same_time_all_find_their_value(project: Path) -> None:
    resolver = DotenvResolver()
    threads = [
        threading.Thread(target=put, args=(f"v{number}", f"k{number}", resolver)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"K{number}": f"v{number}" for number in range(8)} == _parsed(project)


def test_an_edit_between_the_read_and_the_write_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("A=old\n")
    edits = ["A=old\nB=theirs\n"]

    def with_an_edit(path: str, content: object, known: object) -> bool:
        if edits:
            (project / ".env").write_text(edits.pop())
        return replace_file(path, content, known)  # type: ignore[arg-type]

    monkeypatch.setattr(_dotenv_put, "replace_file", with_an_edit)
    put("x")
    assert "A=x\nB=theirs\n" == (project / ".env").read_text()


def test_a_file_that_appears_between_the_look_and_the_write_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = ["B=theirs\n"]

    def with_an_edit(path: str, content: object, known: object) -> bool:
        if edits:
            (project / ".env").write_text(edits.pop())
        return replace_file(path, content, known)  # type: ignore[arg-type]

    monkeypatch.setattr(_dotenv_put, "replace_file", with_an_edit)
    put("x")
    assert "B=theirs\nA=x\n" == (project / ".env").read_text()


def test_others_who_edit_all_the_time_are_a_conflict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("A=old\n")
    monkeypatch.setattr(_dotenv_put, "replace_file", lambda *_: False)
    with pytest.raises(WriteConflict, match="all the time"):
        put("x")


def test_a_folder_in_which_others_write_is_waited_for_until_the_deadline(project: Path) -> None:
    resolver = DotenvResolver()
    with alone_in(str(project), Deadline(5)), pytest.raises(DeadlineExceeded, match="others write"):
        resolver.put(resolver.locate("a"), "x", Deadline(0.05))
    put("x")
    assert "x" == read()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_during_a_write_does_not_keep_others_out(project: Path) -> None:
    with alone_in(str(project), Deadline(5)):
        child = os.fork()
        if child == 0:
            signal.pause()
    try:
        resolver = DotenvResolver()
        resolver.put(resolver.locate("a"), "x", Deadline(1))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert "x" == read()


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_write_that_fails_leaves_the_file_and_nothing_beside_it_and_shows_no_value(
    step: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("A=old\n")
    canary = secrets.token_hex()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(BackendUnavailable, match="No space left") as caught:
        put(canary)
    monkeypatch.undo()
    assert "A=old\n" == (project / ".env").read_text()
    assert [project / ".env"] == list(project.glob(".env*"))
    assert canary not in shown(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize("end", ["\0", "\ud800", " " * 257, "x" * 1_048_577])
def test_no_refusal_shows_the_value(end: str, project: Path) -> None:
    (project / ".env").write_text("A=old\n")
    canary = secrets.token_hex()
    with pytest.raises(SecretSourceError) as caught:
        put(canary + end)
    assert canary not in shown(caught.value)


def shown(error: BaseException) -> str:
    """Return the traceback with local variables, without the frames of this file."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines.stack = traceback.StackSummary.from_list(
        [frame for frame in lines.stack if frame.filename != __file__]
    )
    return "".join(lines.format())
