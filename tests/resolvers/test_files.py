from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest

from secretsource import (
    AccessDenied,
    ConfigError,
    Deadline,
    Document,
    InvalidReference,
    InvalidResponse,
    NotThere,
    Reason,
    configure,
    get_secret,
)
from secretsource.resolvers import _file, files
from secretsource.resolvers.files import FilesResolver
from tests.resolvers.unprivileged import unprivileged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "secrets"
    path.mkdir()
    return path


def read(name: str, resolver: FilesResolver) -> object:
    answer = resolver.fetch(resolver.locate(name), Deadline(5))
    return answer.value if isinstance(answer, Document) else answer


def fields(name: str, resolver: FilesResolver) -> Mapping[str, object]:
    answer = resolver.fetch(resolver.locate(name, document=True), Deadline(5))
    assert not isinstance(answer, NotThere)
    return {} if answer is None else answer.fields


class Kubernetes:
    """A volume as the kubelet writes it: ``api_key`` → ``..data/api_key``, ``..data`` → ``..2026_…``."""

    def __init__(self, folder: Path, **contents: str) -> None:
        self.folder = folder
        self.current: Path | None = None
        self.swap(**contents)
        for key in contents:
            (folder / key).symlink_to(f"..data/{key}")

    def swap(self, **contents: str) -> None:
        """Put a new generation in place of the old one, in one step, and remove the old one."""
        old, new = self.current, self.folder / f"..2026_11_24_{secrets.token_hex(4)}"
        new.mkdir()
        for key, content in contents.items():
            (new / key).write_text(content)
        (self.folder / "..data_tmp").symlink_to(new.name)
        (self.folder / "..data_tmp").rename(self.folder / "..data")
        self.current = new
        for path in sorted(old.iterdir()) if old else []:
            path.unlink()
        if old:
            old.rmdir()


@pytest.mark.parametrize("spelling", ["pepipost/api_key", "pepipost_api_key"])
def test_both_spellings_of_a_name_are_found(spelling: str, folder: Path) -> None:
    (folder / spelling).parent.mkdir(exist_ok=True)
    (folder / spelling).write_text("x\n")
    assert "x" == read("pepipost/api_key", FilesResolver(path=str(folder)))


def test_the_folder_wins_over_the_underscore(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b").write_text("slash")
    (folder / "a_b").write_text("underscore")
    assert "slash" == read("a/b", FilesResolver(path=str(folder)))


def test_a_name_of_one_segment_is_a_file(folder: Path) -> None:
    (folder / "stripe_key").write_text("x")
    assert "x" == read("stripe_key", FilesResolver(path=str(folder)))


def test_a_folder_where_a_file_is_wanted_is_not_there(folder: Path) -> None:
    (folder / "db").mkdir()
    assert read("db", FilesResolver(path=str(folder))) is None


def test_a_folder_that_does_not_exist_holds_nothing_and_is_told(folder: Path) -> None:
    resolver = FilesResolver(path=str(folder / "missing"))
    told = NotThere(Reason.MISSING, "the folder does not exist")
    assert (told, {}) == (read("a/b", resolver), fields("a", resolver))


def test_dockers_folder_stands_in_front_of_systemds(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_DOCKER", str(folder))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "a_b").write_text("systemd")
    (tmp_path / "c").write_text("systemd")
    (folder / "a_b").write_text("docker")
    assert ("docker", "systemd") == (read("a/b", FilesResolver()), read("c", FilesResolver()))


def test_systemds_folder_is_looked_up_with_every_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = FilesResolver()
    (tmp_path / "a_b").write_text("x")
    assert read("a/b", resolver) is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "x" == read("a/b", resolver)


def test_a_given_folder_replaces_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "a").write_text("x")
    assert read("a", FilesResolver(path=str(folder))) is None


def test_a_given_folder_stays_what_it_was_when_the_working_directory_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_text("x")
    monkeypatch.chdir(folder.parent)
    resolver = FilesResolver(path="secrets")
    monkeypatch.chdir("/")
    assert "x" == read("a", resolver)


def test_a_location_tells_the_folders() -> None:
    assert "/run/secrets|$CREDENTIALS_DIRECTORY/a/b or a_b" == str(FilesResolver().locate("a/b"))
    assert "/x/a/* or a_*" == str(FilesResolver(path="/x").locate("a", document=True))
    assert "/run/secrets/x" == str(FilesResolver().locate("file:///run/secrets/x"))


def test_a_prefix_stands_before_the_name(folder: Path) -> None:
    (folder / "prod").mkdir()
    (folder / "prod" / "a").write_text("x")
    assert "x" == read("a", FilesResolver(path=str(folder), prefix="prod/"))


@pytest.mark.parametrize("prefix", ["/etc/", "../", "a/../../", "./"])
def test_a_prefix_that_leads_out_of_the_folder_is_a_config_error(prefix: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        FilesResolver(path=str(folder), prefix=prefix)


def test_an_empty_path_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="is empty"):
        FilesResolver(path="")


def test_an_absolute_reference_is_read_where_it_is(folder: Path) -> None:
    (folder / "x").write_text("x")
    assert "x" == read(f"file://{folder}/x", FilesResolver(path="/nowhere"))


def test_a_reference_that_is_not_absolute_is_below_the_folder_without_the_prefix(folder: Path) -> None:
    (folder / "x").write_text("x")
    assert "x" == read("files://x", FilesResolver(path=str(folder), prefix="prod/"))


@pytest.mark.parametrize("reference", ["file:///a#b", "file:///a?version=1", "files://a?stage=x"])
def test_a_reference_to_what_a_file_has_not_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference):
        FilesResolver().locate(reference)


def test_the_end_of_the_only_line_is_dropped_unless_asked_otherwise(folder: Path) -> None:
    (folder / "a").write_text("x\n")
    (folder / "pem").write_text("one\ntwo\n")
    assert "x" == read("a", FilesResolver(path=str(folder)))
    assert "x\n" == read("a", FilesResolver(path=str(folder), exact=True))
    assert "one\ntwo\n" == read("pem", FilesResolver(path=str(folder)))


def test_binary_content_is_exact(folder: Path) -> None:
    content = bytes(range(256)) + b"\n"
    (folder / "a").write_bytes(content)
    assert content == read("a", FilesResolver(path=str(folder)))


def test_a_kubernetes_volume_is_read_through_its_links(folder: Path) -> None:
    volume = Kubernetes(folder, api_key="one", other="x")
    resolver = FilesResolver(path=str(folder))
    assert "one" == read("api_key", resolver)
    volume.swap(api_key="two", other="x")
    assert "two" == read("api_key", resolver)


def test_a_swap_in_the_middle_of_a_read_is_no_absence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Kubernetes(folder, api_key="one")
    swaps = iter([{"api_key": "two"}])

    def read_file(path: str, **options: bool) -> object:
        for contents in swaps:
            volume.swap(**contents)
        return _file.read_file(path, **options)

    monkeypatch.setattr(files, "read_file", read_file)
    assert "two" == read("api_key", FilesResolver(path=str(folder)))


def test_the_fields_of_a_kubernetes_volume_are_its_files_alone(folder: Path) -> None:
    Kubernetes(folder, db_user="u", db_password="p")
    assert {"user": "u", "password": "p"} == fields("db", FilesResolver(path=str(folder)))


def test_a_mounted_folder_of_a_document_gives_its_fields(folder: Path) -> None:
    (folder / "db").mkdir()
    Kubernetes(folder / "db", user="u", password="p")
    assert {"user": "u", "password": "p"} == fields("db", FilesResolver(path=str(folder)))


def test_fields_of_a_deeper_path_are_found_in_both_spellings(folder: Path) -> None:
    (folder / "db" / "primary").mkdir(parents=True)
    (folder / "db" / "primary" / "user").write_text("u")
    (folder / "db_primary_password").write_text("p")
    (folder / "db_primary").write_text("not below")
    (folder / "db_primaryx").write_text("not below")
    assert {"user": "u", "password": "p"} == fields("db/primary", FilesResolver(path=str(folder)))


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "/dev/zero"])
def test_a_link_that_leaves_the_folder_is_a_denial(target: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (folder / "a").symlink_to(target)
    with pytest.raises(AccessDenied, match="leaves its folder"):
        read("a", FilesResolver(path=str(folder)))


def test_a_linked_folder_that_leaves_is_a_denial_too(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b").write_text("x")
    (folder / "a").symlink_to(tmp_path / "outside")
    resolver = FilesResolver(path=str(folder))
    with pytest.raises(AccessDenied):
        read("a/b", resolver)
    with pytest.raises(AccessDenied):
        fields("a", resolver)


def test_a_link_to_a_neighbour_whose_name_begins_alike_leaves_the_folder(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secrets-other").mkdir()
    (tmp_path / "secrets-other" / "b").write_text("x")
    (folder / "a").symlink_to("../secrets-other/b")
    with pytest.raises(AccessDenied):
        read("a", FilesResolver(path=str(folder)))


def test_a_folder_that_is_itself_a_link_is_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "a").write_text("x")
    (tmp_path / "link").symlink_to(folder)
    assert "x" == read("a", FilesResolver(path=str(tmp_path / "link")))


def test_a_link_to_nothing_inside_is_not_there(folder: Path) -> None:
    (folder / "a").symlink_to("missing")
    assert read("a", FilesResolver(path=str(folder))) is None


@pytest.mark.timeout(5)
def test_a_link_to_itself_is_an_error(folder: Path) -> None:
    (folder / "a").symlink_to("a")
    with pytest.raises(AccessDenied):
        read("a", FilesResolver(path=str(folder)))


@pytest.mark.timeout(5)
def test_a_pipe_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "a")
    with pytest.raises(InvalidResponse, match="no regular file"):
        read("a", FilesResolver(path=str(folder)))


@pytest.mark.timeout(5)
def test_a_device_is_refused() -> None:
    with pytest.raises(InvalidResponse, match="no regular file"):
        read("file:///dev/zero", FilesResolver())


def test_a_file_over_one_mebibyte_is_refused(folder: Path) -> None:
    with (folder / "a").open("wb") as file:
        file.truncate(1024 * 1024 + 1)
    with pytest.raises(InvalidResponse, match="larger than 1,048,576 bytes"):
        read("a", FilesResolver(path=str(folder)))


def test_a_file_that_may_not_be_read_is_a_denial() -> None:
    with unprivileged() as folder:
        (folder / "a").write_text("x")
        (folder / "a").chmod(0)
        with pytest.raises(AccessDenied, match="Permission denied"):
            read("a", FilesResolver(path=str(folder)))


def test_a_folder_that_may_not_be_entered_is_a_denial() -> None:
    with unprivileged() as folder:
        (folder / "a").mkdir()
        (folder / "a").chmod(0)
        resolver = FilesResolver(path=str(folder))
        with pytest.raises(AccessDenied):
            read("a/b", resolver)
        with pytest.raises(AccessDenied):
            fields("a", resolver)


def test_a_denial_stops_the_chain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "from env")
    (folder / "a").symlink_to("/etc/passwd")
    configure(chain=["files", "env"], resolvers={"files": {"path": str(folder)}})
    with pytest.raises(AccessDenied):
        get_secret("a", default="x")


def test_a_name_reaches_no_file_outside(folder: Path) -> None:
    for name in ("../outside", "..", "a/../../b", "/etc/passwd"):
        with pytest.raises(InvalidReference):
            FilesResolver(path=str(folder)).locate(name)


def test_a_path_that_no_system_has_is_an_error_of_ours() -> None:
    with pytest.raises(InvalidResponse):
        _file.read_file("a\0b")


def test_the_repr_shows_folders_and_no_value(folder: Path) -> None:
    value = secrets.token_hex()
    (folder / "a").write_text(value)
    resolver = FilesResolver(path=str(folder))
    assert value == read("a", resolver)
    assert f"FilesResolver(name='files', folders=['{folder}'])" == repr(resolver)
