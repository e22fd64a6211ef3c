from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsource import (
    AccessDenied,
    ConfigError,
    Deadline,
    Document,
    InvalidReference,
    InvalidResponse,
    Link,
    NotThere,
    Store,
    configure,
    get_secret,
)
from secretsource.errors import SecretSourceError
from secretsource.resolvers._dotenv_file import DotenvFile
from secretsource.resolvers.dotenv import DotenvResolver, layers
from tests.resolvers.unprivileged import unprivileged


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root, and the working directory."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def read(name: str, resolver: DotenvResolver | None = None) -> object:
    resolver = resolver or DotenvResolver()
    answer = resolver.fetch(resolver.locate(name), Deadline(5))
    return answer.value if isinstance(answer, Document) else answer


def fields(name: str, resolver: DotenvResolver | None = None) -> Mapping[str, object]:
    resolver = resolver or DotenvResolver()
    answer = resolver.fetch(resolver.locate(name, document=True), Deadline(5))
    assert not isinstance(answer, NotThere)
    return {} if answer is None else answer.fields


def text_of(content: str | bytes, project: Path) -> object:
    """Return what the name ``a`` is in a file with this content."""
    (project / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read("a")


# Layers and folders


def test_the_layers_of_a_profile_stand_in_their_order() -> None:
    assert [".env.prod.local", ".env.local", ".env.prod", ".env"] == layers("prod")
    assert [".env.local", ".env"] == layers(None)


def test_each_layer_wins_over_those_behind_it(project: Path) -> None:
    for layer in reversed(layers("prod")):
        (project / layer).write_text(f"A={layer}\n")
        assert layer == read("a", DotenvResolver(profile="prod"))


def test_a_layer_without_the_variable_gives_way_to_the_next(project: Path) -> None:
    (project / ".env.local").write_text("B=local\nA\n")
    (project / ".env").write_text("A=base\nB=base\n")
    assert ("base", "local") == (read("a"), read("b"))


def test_the_layers_of_another_profile_are_not_looked_at(project: Path) -> None:
    (project / ".env.prod").write_text("A=prod\n")
    assert read("a") is None
    assert read("a", DotenvResolver(profile="dev")) is None


def test_the_nearest_folder_with_a_layer_is_taken_whole(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "app" / "deep").mkdir(parents=True)
    (project / ".env").write_text("A=root\nB=root\n")
    (project / "app" / ".env.local").write_text("A=app\n")
    monkeypatch.chdir(project / "app" / "deep")
    assert ("app", None) == (read("a"), read("b"))


def test_nothing_above_the_root_is_looked_at(project: Path) -> None:
    (project.parent / ".env").write_text("A=above\n")
    assert read("a") is None


def test_pyproject_marks_the_root_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").touch()
    (project / ".env").write_text("A=outer\n")
    monkeypatch.chdir(inner)
    assert read("a") is None


def test_without_a_root_only_the_working_directory_counts(project: Path) -> None:
    (project / ".git").rmdir()
    (project.parent / ".env").write_text("A=above\n")
    assert read("a") is None
    (project / ".env").write_text("A=here\n")
    assert "here" == read("a")


def test_a_removed_working_directory_holds_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert read("a") is None


def test_a_given_folder_is_searched_for_layers(project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf" / ".env.local").write_text("A=conf\n")
    (project / ".env").write_text("A=root\n")
    assert "conf" == read("a", DotenvResolver(path="conf"))


def test_a_given_file_is_the_only_one(project: Path) -> None:
    (project / "my.env").write_text("A=mine\n")
    (project / ".env.local").write_text("A=local\nB=local\n")
    resolver = DotenvResolver(path="my.env")
    assert ("mine", None) == (read("a", resolver), read("b", resolver))


def test_a_given_path_stays_what_it_was_when_the_working_directory_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my.env").write_text("A=mine\n")
    resolver = DotenvResolver(path="my.env")
    monkeypatch.chdir("/")
    assert "mine" == read("a", resolver)


def test_an_empty_path_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="is empty"):
        DotenvResolver(path="")


def test_a_symbolic_link_is_followed(project: Path) -> None:
    (project / "shared.env").write_text("A=shared\n")
    (project / ".env").symlink_to("shared.env")
    assert "shared" == read("a")


def test_a_prefix_stands_before_the_variable_and_not_before_a_reference(project: Path) -> None:
    (project / ".env").write_text("MYAPP_A=prefixed\nA=plain\n")
    resolver = DotenvResolver(prefix="MYAPP_")
    assert ("prefixed", "plain") == (read("a", resolver), read("dotenv://A", resolver))


def test_a_reference_to_what_a_variable_has_not_is_refused() -> None:
    for reference in ("dotenv://A#b", "dotenv://A?version=1", "dotenv://A/b"):
        with pytest.raises(InvalidReference):
            DotenvResolver().locate(reference)


def test_a_location_names_the_layers() -> None:
    assert "PEPIPOST_API_KEY in .env.local, .env" == str(DotenvResolver().locate("pepipost/api_key"))


def test_fields_are_gathered_over_the_layers(project: Path) -> None:
    (project / ".env").write_text("DB_USER=base\nDB_HOST=base\nDBX=no\n")
    (project / ".env.local").write_text("DB_USER=local\n")
    assert {"user": "local", "host": "base"} == fields("db")
    assert {} == fields("other")


# What a file means


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("A=x", "x"),
        ("A=x\r\nB=y\r\n", "x"),
        ("\ufeffA=x\n", "x"),
        ("export A=x\n", "x"),
        ("  A = x  \n", "x"),
        ("A=x # comment\n", "x"),
        ("A=x#y\n", "x#y"),
        ("A='x # y'\n", "x # y"),
        ('A="x # y"\n', "x # y"),
        ("A=\n", ""),
        ("A=''\n", ""),
        ("A\n", None),
        ("# A=x\n", None),
        ("", None),
        ("A=1\nA=2\nA=3\n", "3"),
        ("A=1\nA\n", "1"),
        ('A="one\ntwo"\n', "one\ntwo"),
        ("A='one\ntwo'\n", "one\ntwo"),
        (r'A="one\ntwo"', "one\ntwo"),
        (r"A='one\ntwo'", r"one\ntwo"),
        ("A=ä€🔑\n", "ä€🔑"),
        ("A=a=b==\n", "a=b=="),
    ],
)
def test_a_file_means_what_dotenv_files_mean(content: str, value: str | None, project: Path) -> None:
    assert value == text_of(content, project)


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("value", ["${HOME}", "$HOME", "pa$$word", "${B}", "${NOT_SET:-x}", "$(id)", "`id`"])
def test_nothing_is_interpolated_in_any_quotes(quote: str, value: str, project: Path) -> None:
    assert value == text_of(f"B=b\nA={quote}{value}{quote}\n", project)


def test_the_environment_is_never_written(project: Path) -> None:
    before = dict(os.environ)
    (project / ".env").write_text("A=x\nLD_PRELOAD=evil.so\nPATH=/evil\n")
    assert "x" == get_secret("a")
    assert before == dict(os.environ)


def test_a_dotenv_file_never_configures_a_backend(project: Path) -> None:
    (project / ".env").write_text("VAULT_ADDR=https://evil.example\nVAULT_TOKEN=t\nSECRETSOURCE_CHAIN=env\n")
    with pytest.raises(ConfigError, match="address"):
        configure(chain=["dotenv", "vault"])
    assert ["env", "dotenv"] == [link.name for link in configure().chain]


def test_a_dotenv_file_never_configures_an_sdk(project: Path) -> None:
    (project / ".env").write_text("AWS_ENDPOINT_URL=https://evil.example\nAWS_REGION=x\nHTTPS_PROXY=x\nA=a\n")
    assert "a" == get_secret("a")
    assert not {"AWS_ENDPOINT_URL", "AWS_REGION"} & set(os.environ)


def test_nothing_is_logged_or_warned_of_or_printed(
    project: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / ".env").write_text("A=x\n=broken\n'also\nB\n")
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        assert "x" == read("a")
    assert ([], [], ("", "")) == (caplog.records, warned, tuple(capfd.readouterr()))


# Files that change, and files that are broken


def test_an_edit_is_seen_with_the_next_fetch_even_if_time_and_size_look_the_same(project: Path) -> None:
    resolver = DotenvResolver()
    for number in range(200):
        (project / ".env").write_text(f"A={number:04}\n")
        assert f"{number:04}" == read("a", resolver)


def test_an_edit_of_a_new_file_is_seen_where_the_file_system_cannot_tell_the_times_apart(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secretsource.resolvers._dotenv_file._stamp", lambda status: (1,))
    resolver = DotenvResolver()
    for value in ("1", "2"):
        (project / ".env").write_text(f"A={value}\n")
        assert value == read("a", resolver)


def test_an_edit_that_keeps_time_and_size_is_seen(project: Path) -> None:
    path = project / ".env"
    path.write_text("A=1\n")
    os.utime(path, (1, 1))
    resolver = DotenvResolver()
    assert "1" == read("a", resolver)
    path.write_text("A=2\n")
    os.utime(path, (1, 1))
    assert "2" == read("a", resolver)


def test_a_file_that_has_settled_is_parsed_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("A=1\n")
    resolver = DotenvResolver()
    monkeypatch.setattr("secretsource.resolvers._dotenv_file._SETTLING", -1_000_000_000)
    assert "1" == read("a", resolver)
    monkeypatch.setattr(DotenvFile, "_text", lambda self: pytest.fail("parsed again"))
    assert "1" == read("a", resolver)


def test_a_file_that_comes_and_goes_is_seen(project: Path) -> None:
    resolver = DotenvResolver()
    assert read("a", resolver) is None
    (project / ".env").write_text("A=1\n")
    assert "1" == read("a", resolver)
    (project / ".env").unlink()
    assert read("a", resolver) is None


def test_an_edit_is_seen_by_a_store_after_a_second(project: Path) -> None:
    now = [0.0]
    (project / ".env").write_text("A=1\n")
    store = Store([Link(DotenvResolver())], clock=lambda: now[0])
    assert "1" == store.get("a").value
    (project / ".env").write_text("A=2\n")
    now[0] += 1.0
    assert "2" == store.get("a").value


@pytest.mark.parametrize("line", ["='x'", 'B="half-said', "B='x'y", "=x"])
def test_behind_a_broken_line_what_is_found_is_found_and_what_is_missing_names_the_line(
    line: str, project: Path
) -> None:
    (project / ".env").write_text(f"A=x\n{line}\n")
    assert "x" == read("a")
    with pytest.raises(InvalidResponse, match="line 2 cannot be read") as caught:
        read("missing")
    assert "half-said" not in str(caught.value)


def test_a_broken_line_does_not_let_a_lower_layer_answer(project: Path) -> None:
    (project / ".env.local").write_text('A="never closed\n')
    (project / ".env").write_text("A=old\n")
    with pytest.raises(InvalidResponse, match=r"\.env\.local: line 1"):
        read("a")


def test_fields_of_a_file_with_a_broken_line_are_not_half_of_them(project: Path) -> None:
    (project / ".env").write_text("DB_USER=x\nDB_PASSWORD='open\n")
    with pytest.raises(InvalidResponse):
        fields("db")


@pytest.mark.parametrize(
    "content",
    [
        "A=ä\n".encode("latin-1"),
        "A=x\n".encode("utf-16"),
        "A=x\n".encode("utf-16-le"),
        b"A=x\0y\n",
        b"A=\xed\xa0\x80\n",
    ],
    ids=["latin-1", "utf-16", "utf-16 without a mark", "null", "surrogate"],
)
def test_what_is_no_utf_8_text_is_refused_when_the_store_is_built(content: bytes, project: Path) -> None:
    (project / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match="is not UTF-8 text; save it") as caught:
        configure()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("layer", [".env", ".env.local"])
def test_a_world_writable_file_is_refused_when_the_store_is_built(layer: str, project: Path) -> None:
    (project / layer).write_text("A=x\n")
    (project / layer).chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        configure()


def test_a_file_that_becomes_world_writable_is_refused_from_then_on(project: Path) -> None:
    (project / ".env").write_text("A=x\n")
    resolver = DotenvResolver()
    assert "x" == read("a", resolver)
    (project / ".env").chmod(0o646)
    with pytest.raises(ConfigError, match="writable by everybody"):
        read("a", resolver)


def test_a_group_writable_file_is_accepted(project: Path) -> None:
    (project / ".env").write_text("A=x\n")
    (project / ".env").chmod(0o664)
    assert "x" == read("a")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_hundred_thousand_lines_are_refused_within_a_second(end: str, project: Path) -> None:
    (project / ".env").write_bytes("".join(f"K{n}=v{end}" for n in range(100_000)).encode()[: 1024 * 1024])
    started = time.perf_counter()
    with pytest.raises(ConfigError, match="lines"):
        configure()
    assert time.perf_counter() - started < 1.0


def test_ten_thousand_lines_are_read_within_a_second(project: Path) -> None:
    (project / ".env").write_text("".join(f"K{n}=v\n" for n in range(9_999)) + "A=x\n")
    started = time.perf_counter()
    assert "x" == read("a")
    assert time.perf_counter() - started < 1.0


def test_a_file_over_one_mebibyte_is_refused(project: Path) -> None:
    (project / ".env").write_bytes(b"A=" + b"x" * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than"):
        configure()


@pytest.mark.timeout(5)
@pytest.mark.parametrize("blank", [" ", "\t", "\u2003"])
def test_blanks_that_the_parser_would_need_minutes_for_are_refused(blank: str, project: Path) -> None:
    (project / ".env").write_text("A=b" + blank * 300_000 + "c\n")
    with pytest.raises(ConfigError, match="blanks in a row"):
        configure()


@pytest.mark.timeout(10)
def test_as_many_blanks_as_are_accepted_are_read_in_time(project: Path) -> None:
    (project / ".env").write_text("A=b" + (" " * 256 + "c") * 4000)
    assert read("a") is not None


@pytest.mark.timeout(5)
def test_a_pipe_is_refused_without_waiting(project: Path) -> None:
    os.mkfifo(project / ".env")
    with pytest.raises(ConfigError, match="no regular file"):
        configure()


def test_a_folder_of_that_name_is_no_file(project: Path) -> None:
    (project / ".env").mkdir()
    assert read("a") is None


def test_a_file_that_may_not_be_read_is_a_denial_for_the_reader_and_not_for_the_chain_in_front(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("B", "from env")
    with unprivileged() as folder:
        (folder / ".env").write_text("A=x\n")
        (folder / ".env").chmod(0)
        monkeypatch.chdir(folder)
        configure()
        assert "from env" == get_secret("b")
        with pytest.raises(AccessDenied):
            get_secret("a", default="x")
        monkeypatch.undo()


def test_a_folder_that_may_not_be_entered_is_a_denial_and_not_an_absence() -> None:
    with unprivileged() as folder:
        (folder / "closed").mkdir()
        (folder / "closed" / ".env").write_text("A=x\n")
        resolver = DotenvResolver(path=str(folder / "closed"))
        (folder / "closed").chmod(0)
        with pytest.raises(AccessDenied):
            read("a", resolver)


def test_no_value_is_in_the_repr(project: Path) -> None:
    value = secrets.token_hex()
    (project / ".env").write_text(f"A={value}\n")
    resolver = DotenvResolver()
    assert value == read("a", resolver)
    assert value not in repr(resolver) + repr(resolver._files[1].parsed())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.text("AB=\"'#$\\\n\r \t{}export\ufeff\0")))
def test_whatever_a_file_holds_it_is_read_or_refused(project: Path, content: str) -> None:
    (project / ".env").write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        answer = read("a")
    except SecretSourceError:
        return
    assert answer is None or isinstance(answer, str)


@pytest.mark.parametrize("spoilt", ["world-writable", "latin-1", "lines", "blanks", "large"])
def test_a_file_that_is_refused_is_in_no_frame_of_the_traceback(spoilt: str, project: Path) -> None:
    canary = secrets.token_hex()
    more = {"latin-1": b"\xff", "lines": b"\n" * 10_001, "blanks": b" " * 300, "large": b"x" * 1024 * 1024}
    (project / ".env").write_bytes(f"A={canary}".encode() + more.get(spoilt, b""))
    (project / ".env").chmod(0o666 if spoilt == "world-writable" else 0o600)
    with pytest.raises(ConfigError) as caught:
        configure()
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "_text" in shown
    assert canary[:16] not in shown.replace(f"canary = '{canary}'", "")


def test_dotenv_is_imported_only_where_there_is_a_file(project: Path) -> None:
    code = "import sys, secretsource; secretsource.get_secret('a', default=1); print('dotenv' in sys.modules)"
    run = [sys.executable, "-c", code]
    assert b"False\n" == subprocess.run(run, capture_output=True, check=True).stdout
    (project / ".env").touch()
    assert b"True\n" == subprocess.run(run, capture_output=True, check=True).stdout


def test_a_file_that_its_group_may_write_is_read_and_reported(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / ".env").write_text("A=x\n")
    (project / ".env").chmod(0o660)
    assert "x" == read("a")
    assert ["secretsource"] == [record.name for record in caplog.records]
    assert "may be written by its group" in caplog.text
