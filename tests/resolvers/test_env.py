from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from secretsource import (
    AccessDenied,
    Deadline,
    Document,
    InvalidReference,
    InvalidResponse,
    Link,
    MaskedBytes,
    MaskedStr,
    NotThere,
    SecretNotFound,
    Store,
)
from secretsource.resolvers.env import EnvResolver
from tests.resolvers.unprivileged import unprivileged


def read(name: str, resolver: EnvResolver | None = None) -> MaskedStr | MaskedBytes | NotThere | None:
    resolver = resolver or EnvResolver()
    answer = resolver.fetch(resolver.locate(name), Deadline(5))
    return answer.value if isinstance(answer, Document) else answer


def fields(name: str, resolver: EnvResolver | None = None) -> dict[str, object]:
    resolver = resolver or EnvResolver()
    answer = resolver.fetch(resolver.locate(name, document=True), Deadline(5))
    assert not isinstance(answer, NotThere)
    return {} if answer is None else dict(answer.fields)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("pepipost/api_key", "PEPIPOST_API_KEY"),
        ("stripe_key", "STRIPE_KEY"),
        ("a/b/c", "A_B_C"),
        ("user@example.com/x-y=z+1", "USER_EXAMPLE_COM_X_Y_Z_1"),
    ],
)
def test_a_name_is_mapped_to_a_variable(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    monkeypatch.setenv(variable, value)
    assert value == read(name)
    assert variable == str(EnvResolver().locate(name))


def test_a_variable_that_is_not_set_is_not_there() -> None:
    assert read("not/set") is None


def test_an_empty_variable_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_B", "")
    assert "" == read("a/b")


def test_white_space_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_B", " x \n")
    assert " x \n" == read("a/b")


def test_text_that_is_not_ascii_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_B", "pä€🔑")
    assert "pä€🔑" == read("a/b")


def test_bytes_that_are_no_utf_8_come_back_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"A_B", b"\xff\xfekey")
    got = read("a/b")
    assert b"\xff\xfekey" == got
    assert isinstance(got, MaskedBytes)


def test_a_prefix_stands_before_the_variable_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("myapp_A_B", "x")
    assert "x" == read("a/b", EnvResolver(prefix="myapp_"))
    assert read("a/b") is None


def test_a_reference_names_the_variable_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("mixedCase", "x")
    assert "x" == read("env://mixedCase", EnvResolver(prefix="MYAPP_"))


@pytest.mark.parametrize(
    "reference", ["env://A?version=1", "env://A?stage=x", "env://A#b", "env://A/b", "env:///A", "env://A%3DB"]
)
def test_a_reference_to_what_a_variable_has_not_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference):
        EnvResolver().locate(reference)


def test_the_file_that_a_file_variable_names_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    (tmp_path / "key").write_text(value)
    monkeypatch.setenv("A_B_FILE", str(tmp_path / "key"))
    assert value == read("a/b")


def test_the_variable_itself_wins_over_its_file_even_when_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("file")
    monkeypatch.setenv("A_B_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("A_B", "")
    assert "" == read("a/b")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"x\n", "x"),
        (b"x\r\n", "x"),
        (b"x", "x"),
        (b"x\n\n", "x\n\n"),
        (b"a\nb\n", "a\nb\n"),
        (b"\n", ""),
        (b"", ""),
        (b" x \n", " x "),
        (b"\xff\n", b"\xff\n"),
        (b"a\0b", "a\0b"),
    ],
)
def test_a_single_line_of_a_file_loses_its_end_and_nothing_else_does(
    content: bytes, value: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(content)
    monkeypatch.setenv("A_B_FILE", str(tmp_path / "key"))
    assert value == read("a/b")


@pytest.mark.parametrize("path", ["missing", "", ".", "missing/below"])
def test_a_file_that_is_not_there_is_not_there_and_the_variable_is_named(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_B_FILE", path)
    answer = read("a/b")
    assert isinstance(answer, NotThere)
    assert "there is no file where A_B_FILE points" == answer.detail


def test_a_value_in_the_place_of_a_file_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    monkeypatch.setenv("A_B_FILE", value)
    with pytest.raises(SecretNotFound) as caught:
        Store([EnvResolver()]).get("a/b")
    assert value not in str(caught.value)


def test_a_file_that_may_not_be_read_is_a_denial(monkeypatch: pytest.MonkeyPatch) -> None:
    with unprivileged() as folder:
        (folder / "key").write_text("x")
        (folder / "key").chmod(0)
        monkeypatch.setenv("A_B_FILE", str(folder / "key"))
        with pytest.raises(AccessDenied, match="Permission denied"):
            read("a/b")


@pytest.mark.timeout(5)
def test_a_pipe_is_refused_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("A_B_FILE", str(tmp_path / "pipe"))
    with pytest.raises(InvalidResponse, match="no regular file"):
        read("a/b")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_B_FILE", device)
    with pytest.raises(InvalidResponse):
        read("a/b")


def test_a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    monkeypatch.setenv("A_B_FILE", str(path))
    path.write_bytes(b"x" * 1024 * 1024)
    assert 1024 * 1024 == len(read("a/b") or "")
    path.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(InvalidResponse, match="larger than"):
        read("a/b")


def test_the_variables_below_a_path_are_its_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from file\n")
    monkeypatch.setenv("DB_PRIMARY_USER", "app")
    monkeypatch.setenv("DB_PRIMARY_PASSWORD_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("DB_PRIMARY", "not below")
    monkeypatch.setenv("DB_PRIMARYX", "not below")
    assert {"user": "app", "password": "from file"} == fields("db/primary")


def test_a_path_without_variables_below_is_not_there() -> None:
    assert {} == fields("nothing/here")


def test_a_prefix_holds_for_fields_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYAPP_DB_USER", "app")
    monkeypatch.setenv("DB_USER", "other")
    assert {"user": "app"} == fields("db", EnvResolver(prefix="MYAPP_"))


def test_a_field_may_be_called_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_FILE", "name.sqlite")
    assert {"file": "name.sqlite"} == fields("db")


def test_the_environment_is_read_anew_with_every_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = EnvResolver()
    monkeypatch.setenv("A_B", "1")
    assert "1" == read("a/b", resolver)
    monkeypatch.setenv("A_B", "2")
    assert "2" == read("a/b", resolver)


def test_a_change_of_the_environment_is_seen_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    store = Store([Link(EnvResolver())], clock=lambda: now[0])
    monkeypatch.setenv("A_B", "1")
    assert "1" == store.get("a/b").value
    monkeypatch.setenv("A_B", "2")
    assert "1" == store.get("a/b").value
    now[0] += 1.0
    assert "2" == store.get("a/b").value


def test_nothing_of_the_environment_is_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    monkeypatch.setenv("A_B", value)
    resolver = EnvResolver(prefix="A_")
    assert "EnvResolver(name='env', prefix='A_')" == repr(resolver)
