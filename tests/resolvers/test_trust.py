"""Files that were found, and not named by anybody, must belong to somebody who decides here anyway."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from secretsource import ConfigError, configure
from secretsource.resolvers import _trust
from secretsource.resolvers._trust import why_not_trusted
from secretsource.resolvers.dotenv import DotenvResolver

FOREIGN = 4242


def status(*, mode: int = 0o644, user: int | None = None) -> os.stat_result:
    return os.stat_result(
        (stat.S_IFREG | mode, 1, 1, 1, os.geteuid() if user is None else user, 0, 0, 0, 0, 0)
    )


@pytest.mark.parametrize("user", [os.geteuid(), 0])
def test_a_file_of_this_user_or_root_is_trusted(user: int) -> None:
    assert "" == why_not_trusted(".env", status(user=user), named=False)


def test_a_file_of_another_user_is_not_trusted_and_the_reason_says_what_to_do() -> None:
    reason = why_not_trusted(".env", status(user=FOREIGN), named=False)
    assert (
        f"'.env' belongs to another user (id {FOREIGN}): chown it, or name it as the file to read" == reason
    )


def test_a_file_of_another_user_is_trusted_if_somebody_named_it() -> None:
    assert "" == why_not_trusted(".env", status(user=FOREIGN), named=True)


def test_the_owner_of_the_working_directory_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", lambda _: status(user=FOREIGN))
    assert "" == why_not_trusted(".env", status(user=FOREIGN), named=False)


@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_everybody_may_write_is_never_trusted(named: bool) -> None:
    reason = why_not_trusted(".env", status(mode=0o666), named=named)
    assert "'.env' is writable by everybody, so what it holds may be anybody's: chmod o-w it" == reason


class TestWhoReadsThem:
    @pytest.fixture(autouse=True)
    def everybody_is_foreign(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".git").mkdir()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(_trust, "_trusted_users", lambda: {FOREIGN})

    @pytest.mark.parametrize("name", ["secretsource.toml", "pyproject.toml"])
    def test_a_configuration_that_was_found_is_refused(self, name: str) -> None:
        Path(name).write_text(
            '[tool.secretsource]\nchain = ["env"]\n' if "py" in name else 'chain = ["env"]\n'
        )
        with pytest.raises(ConfigError, match="belongs to another user"):
            configure()

    def test_a_configuration_that_was_named_is_read(self) -> None:
        Path("other.toml").write_text('chain = ["env"]\n')
        assert ["env"] == [link.name for link in configure(config_file="other.toml").chain]

    def test_a_pyproject_without_our_table_is_nobodys_business(self) -> None:
        Path("pyproject.toml").write_text("[project]\n")
        assert ["env", "dotenv"] == [link.name for link in configure().chain]

    def test_an_env_file_that_was_found_is_refused(self) -> None:
        Path(".env").write_text("A=x\n")
        with pytest.raises(ConfigError, match="belongs to another user"):
            DotenvResolver()

    def test_an_env_file_that_was_named_is_read(self) -> None:
        Path("mine").write_text("A=x\n")
        resolver = DotenvResolver(path="mine")
        assert repr(resolver)
