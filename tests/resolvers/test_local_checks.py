"""What the resolvers of this machine tell of themselves: which files there are, who may read them, and no value."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

import pytest

from secretsource import AccessDenied, ConfigError, Deadline, InvalidResponse
from secretsource.resolvers import SupportsCheck
from secretsource.resolvers._modes import mode_of
from secretsource.resolvers.dotenv import DotenvResolver
from secretsource.resolvers.env import EnvResolver
from secretsource.resolvers.files import FilesResolver
from tests.resolvers.unprivileged import unprivileged


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def detail(resolver: SupportsCheck) -> str:
    health = resolver.check(Deadline(1))
    assert ("", None) == (health.identity, health.expires_in)
    return health.detail


def write(path: Path, text: str = "A=x\n", mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


class TestEnv:
    def test_the_variables_with_the_prefix_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resolver = EnvResolver(prefix="MYAPP_")
        assert "0 variables named MYAPP_…" == detail(resolver)
        monkeypatch.setenv("MYAPP_A", "x")
        assert "1 variable named MYAPP_…" == detail(resolver)
        monkeypatch.setenv("MYAPP_B", "x")
        assert "2 variables named MYAPP_…" == detail(resolver)

    def test_without_a_prefix_there_is_nothing_to_tell(self) -> None:
        assert "" == detail(EnvResolver())


class TestDotenv:
    def test_the_layers_that_are_there_are_told_with_their_modes(self, project: Path) -> None:
        write(project / ".env.local")
        write(project / ".env", mode=0o644)
        told = f".env.local (mode 0600), .env (mode 0644, everybody may read it) in {project}"
        assert told == detail(DotenvResolver())

    def test_where_there_is_none_the_folder_is_told(self, project: Path) -> None:
        assert f"no .env.local, .env in {project}" == detail(DotenvResolver())
        assert f"no other in {project}" == detail(DotenvResolver(path="other"))

    def test_a_file_that_is_written_later_is_seen(self, project: Path) -> None:
        resolver = DotenvResolver()
        write(project / ".env")
        assert f".env (mode 0600) in {project}" == detail(resolver)

    def test_a_file_that_cannot_be_used_is_an_error(self, project: Path) -> None:
        resolver = DotenvResolver()
        write(project / ".env", "no sense\n'\n")
        with pytest.raises(InvalidResponse, match="line 1"):
            resolver.check(Deadline(1))
        write(project / ".env", mode=0o666)
        with pytest.raises(ConfigError, match="writable by everybody"):
            resolver.check(Deadline(1))

    def test_a_file_that_may_not_be_read_is_a_denial(self) -> None:
        with unprivileged() as folder:
            write(folder / ".env", mode=0o000)
            with pytest.raises(AccessDenied):
                DotenvResolver(path=str(folder)).check(Deadline(1))

    def test_no_value_is_told(self, project: Path) -> None:
        value = token_hex(8)
        write(project / ".env", f"A={value}\n")
        assert value not in detail(DotenvResolver())


class TestFiles:
    def test_each_folder_is_told_with_its_files_and_its_mode(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = project / "secrets"
        folder.mkdir(mode=0o700)
        assert f"{folder} (0 files, mode 0700)" == detail(FilesResolver(path="secrets"))
        write(folder / "a")
        (folder / "..data").mkdir()
        assert f"{folder} (1 file, mode 0700)" == detail(FilesResolver(path="secrets"))
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
        assert f"; {folder} (1 file, mode 0700)" in detail(FilesResolver())

    def test_a_folder_that_is_not_there_is_told(self, project: Path) -> None:
        assert f"no folder {project / 'secrets'}" == detail(FilesResolver(path="secrets"))

    def test_a_folder_that_may_not_be_entered_is_a_denial(self) -> None:
        with unprivileged() as folder:
            (folder / "closed").mkdir(mode=0o600)
            with pytest.raises(AccessDenied, match="may not be entered"):
                FilesResolver(path=str(folder / "closed")).check(Deadline(1))

    def test_a_folder_whose_files_can_only_be_read_by_name_is_told(self) -> None:
        with unprivileged() as folder:
            (folder / "dark").mkdir(mode=0o300)
            assert f"{folder}/dark (not listed, mode 0300)" == detail(
                FilesResolver(path=str(folder / "dark"))
            )


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (0o600, "mode 0600"),
        (0o644, "mode 0644, everybody may read it"),
        (0o666, "mode 0666, everybody may write it"),
        (0o1777, "mode 1777, everybody may write it"),
    ],
)
def test_a_mode_says_whether_it_lets_everybody_in(project: Path, mode: int, words: str) -> None:
    write(project / "a", mode=mode)
    assert words == mode_of(os.stat(project / "a"))
