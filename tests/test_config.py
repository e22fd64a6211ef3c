from __future__ import annotations

import os
import secrets
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsource import (
    Config,
    ConfigError,
    InvalidReference,
    Link,
    SecretConfig,
    SecretNotFound,
    configure,
    default_store,
    get_secret,
)
from secretsource._credentials import LocalCredential
from secretsource.resolvers.env import EnvResolver
from tests.resolvers.unprivileged import unprivileged


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root, and the working directory."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def write(folder: Path, text: str, name: str = "secretsource.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def refused(text: str, folder: Path) -> str:
    """Return the message with which a file of this content is refused."""
    write(folder, text)
    with pytest.raises(ConfigError) as caught:
        configure()
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    return str(caught.value)


# Precedence


def test_without_any_configuration_the_chain_is_env_and_dotenv() -> None:
    assert ("env", "dotenv") == Config.load().chain
    assert ["env", "dotenv"] == [link.name for link in default_store().chain]


def test_arguments_win_over_variables_over_the_profile_over_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "ttl = 1\nmax_stale = 1\ntimeout = 1\nnegative_ttl = 1\n[profiles.prod]\nmax_stale = 2\n"
          "timeout = 2\nnegative_ttl = 2")  # fmt: skip
    monkeypatch.setenv("SECRETSOURCE_PROFILE", "prod")
    monkeypatch.setenv("SECRETSOURCE_TIMEOUT", "3")
    monkeypatch.setenv("SECRETSOURCE_NEGATIVE_TTL", "3")
    config = Config.load(negative_ttl=4)
    assert (1, 2, 3, 4) == (config.ttl, config.max_stale, config.timeout, config.negative_ttl)


def test_the_settings_reach_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"TTL": "7", "MAX_STALE": "8", "STALE_WAIT": "0.5", "TIMEOUT": "9.5", "REFERENCES": "config"}
    for key, text in texts.items():
        monkeypatch.setenv(f"SECRETSOURCE_{key}", text)
    store = default_store()
    assert (7, 8, 0.5, 9.5) == (store.ttl, store.max_stale, store.stale_wait, store.timeout)
    assert "config" == store.references


def test_stale_wait_is_a_second_unless_a_file_a_profile_or_an_argument_says_otherwise(project: Path) -> None:
    assert 1.0 == Config.load().stale_wait == default_store().stale_wait
    write(project, "stale_wait = 2\n[profiles.prod]\nstale_wait = 0\n")
    assert (2, 0) == (Config.load().stale_wait, Config.load(profile="prod").stale_wait)
    assert 3 == Config.load(profile="prod", stale_wait=3).stale_wait


def test_a_variable_gives_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_CHAIN", " files, env ,")
    assert ["files", "env"] == [link.name for link in default_store().chain]


def test_a_profile_is_merged_entry_by_entry_into_resolvers_and_secrets(project: Path) -> None:
    write(
        project,
        '[resolvers.env]\nprefix = "BASE_"\nttl = 5\n[secrets.a]\nenv = "BASE"\nttl = 1\n'
        '[profiles.prod.resolvers.env]\nprefix = "PROD_"\n[profiles.prod.secrets.a]\nenv = "PROD"\n',
    )
    config = Config.load(profile="prod")
    assert {"env": {"prefix": "PROD_", "ttl": 5}} == dict(config.resolvers)
    assert {"a": SecretConfig(ttl=1, references={"env": "env://PROD"})} == dict(config.secrets)


def test_the_file_itself_may_name_the_profile(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, 'profile = "dev"\n[profiles.dev]\nttl = 1\n[profiles.prod]\nttl = 2\n')
    assert ("dev", 1) == (Config.load().profile, Config.load().ttl)
    monkeypatch.setenv("SECRETSOURCE_PROFILE", "prod")
    assert ("prod", 2) == (Config.load().profile, Config.load().ttl)


def test_a_profile_that_is_called_none_is_not_the_absence_of_one(project: Path) -> None:
    write(project, "[profiles.None]\nttl = 1\n")
    assert 300 == Config.load().ttl


def test_a_profile_selects_the_layers_of_dotenv(project: Path) -> None:
    (project / ".env").write_text("A=base")
    (project / ".env.staging").write_text("A=staging")
    configure(profile="staging")
    assert "staging" == get_secret("a")


# Where the file is


def test_the_own_file_wins_over_pyproject(project: Path) -> None:
    write(project, "[tool.secretsource]\nttl = 2\n", "pyproject.toml")
    assert 2 == Config.load().ttl
    write(project, "ttl = 1\n")
    assert 1 == Config.load().ttl


def test_the_nearest_file_wins_and_is_not_merged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "app").mkdir()
    monkeypatch.chdir(project / "app")
    write(project, "ttl = 1\nmax_stale = 1\n")
    assert 1 == Config.load().ttl
    write(project / "app", "ttl = 2\n")
    assert (2, 900) == (Config.load().ttl, Config.load().max_stale)


@pytest.mark.parametrize("name", ["secretsource.toml", "pyproject.toml"])
def test_nothing_above_the_root_is_read(name: str, project: Path) -> None:
    write(project.parent, "ttl = 1\n[tool.secretsource]\nttl = 1\n", name)
    assert 300 == Config.load().ttl


def test_a_pyproject_without_our_table_ends_the_search(project: Path) -> None:
    (project / ".git").rmdir()
    write(project, "[project]\nname = 'x'\n", "pyproject.toml")
    write(project.parent, "ttl = 1\n")
    assert 300 == Config.load().ttl


def test_without_a_root_only_the_working_directory_counts(project: Path) -> None:
    (project / ".git").rmdir()
    write(project.parent, "ttl = 1\n")
    assert 300 == Config.load().ttl
    write(project, "ttl = 2\n")
    assert 2 == Config.load().ttl


def test_a_removed_working_directory_has_no_configuration(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    monkeypatch.setenv("A", "x")
    assert "x" == get_secret("a")


def test_a_named_file_is_read_instead(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "ttl = 1\n")
    write(project, "ttl = 2\n", "other.toml")
    write(project, "ttl = 3\n", "third.toml")
    monkeypatch.setenv("SECRETSOURCE_CONFIG", "other.toml")
    assert 2 == Config.load().ttl
    assert 3 == Config.load(config_file=project / "third.toml").ttl
    assert 3 == configure(config_file="third.toml").ttl


@pytest.mark.parametrize("path", ["missing.toml", "a\0b", "."])
def test_a_named_file_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(ConfigError):
        configure(config_file=path)


def test_a_path_in_the_place_of_a_configuration_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="config_file"):
        configure("secretsource.toml")


# What is refused


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("tll = 1", "'ttl'"),
        ("[profils.prod]\nttl = 1", "'profiles'"),
        ("[profiles.prod]\nmaxstale = 1", "'max_stale'"),
        ("[resolvers.env]\nprefx = 'x'", "'prefix'"),
        ("[resolvers.env]\non_deny = 'next'", "'on_denied'"),
        ("[resolvers.vault]\nadress = 'https://x'", "'address'"),
        ("[secrets.a]\nvolt = 'kv/a#b'", "'vault'"),
        ("[secrets.a]\ndescripton = 'x'", "'description'"),
        ("[resolvers.valt]\naddress = 'https://x'", "'vault'"),
        ("[resolvers.mine]\nkind = 'vualt'", "'vault'"),
        ("chain = ['env', 'doten']", "'dotenv'"),
    ],
)
def test_what_is_unknown_is_refused_with_the_nearest_known_one(
    text: str, nearest: str, project: Path
) -> None:
    message = refused(text, project)
    assert f"did you mean {nearest}" in message
    assert str(project / "secretsource.toml") in message


def test_an_unknown_argument_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError, match=r"configure\(\): unknown key 'tll'; did you mean 'ttl'"):
        configure(tll=1)


def test_a_chain_in_a_variable_that_is_none_is_blamed_on_the_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "chain = ['env']")
    monkeypatch.setenv("SECRETSOURCE_CHAIN", "env dotenv")
    with pytest.raises(ConfigError, match="variable SECRETSOURCE_CHAIN: chain: 'env dotenv' cannot name"):
        Config.load()


def test_a_variable_for_what_stands_in_the_file_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_VAULT_ADDRESS", "https://vault.example")
    with pytest.raises(
        ConfigError, match=r"known are: SECRETSOURCE_CHAIN, .*; resolvers and secrets are .* file"
    ):
        Config.load()


def test_a_folder_is_no_configuration_file(project: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        Config.load(config_file=str(project))


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_PROFIL", "prod")
    with pytest.raises(ConfigError, match="did you mean 'SECRETSOURCE_PROFILE'"):
        configure()


@pytest.mark.parametrize("key", ["PROFILE", "CHAIN", "TTL", "CONFIG", "REFERENCES", "MAX_ENTRIES"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_variable_is_refused_and_does_not_select_the_default(
    key: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SECRETSOURCE_{key}", text)
    with pytest.raises(ConfigError, match=f"SECRETSOURCE_{key} is empty"):
        configure()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("TTL", "5m"),
        ("TTL", "-1"),
        ("TTL", "nan"),
        ("TIMEOUT", "inf"),
        ("MAX_ENTRIES", "1.5"),
        ("MAX_ENTRIES", "0"),
    ],
)
def test_a_variable_that_is_no_number_is_refused_by_its_name(
    key: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SECRETSOURCE_{key}", text)
    with pytest.raises(ConfigError, match=f"SECRETSOURCE_{key} must be"):
        configure()


@pytest.mark.parametrize(
    "text",
    [
        "ttl = '5'",
        "ttl = true",
        "ttl = -1",
        "ttl = nan",
        "timeout = inf",
        "timeout = 1e300",
        "max_entries = 0",
        "max_entries = 1.5",
        "max_concurrency = true",
        "references = 'nowhere'",
        "references = []",
        "chain = 'env'",
        "chain = [1]",
        "chain = ['en v']",
        "chain = ['env', 'env']",
        "profile = 5",
        "profiles = 5",
        "profiles.prod = 5",
        "profiles.prod.profile = 'dev'",
        "resolvers = 5",
        "resolvers.env = 5",
        "resolvers.env.auth = 5",
        "resolvers.'a b' = {}",
        "resolvers.env.prefix = 5",
        "resolvers.env.ttl = '5'",
        "resolvers.env.ttl = -5",
        "resolvers.env.on_denied = 'skip'",
        "resolvers.env.on_unavailable = true",
        "resolvers.files.exact = 'yes'",
        "secrets = 5",
        "secrets.a = 5",
        "secrets.'../a' = {}",
        "secrets.a.description = 5",
        "secrets.a.required = 'no'",
        "secrets.a.ttl = '5'",
        "secrets.a.env = 5",
        "secrets.a.env = 'A/B'",
        "secrets.a.env = 'A B'",
        "secrets.a.env = 'A#b'",
        "secrets.a.env = 'vault://kv/a#b'",
        "secrets.a.vault = '../sys#b'",
        "secrets.a.vault = 'kv/%2e%2e/a#b'",
    ],
)
def test_a_wrong_value_is_refused_when_the_store_is_built(text: str, project: Path) -> None:
    assert refused(text, project)


def test_a_policy_that_is_none_is_refused_with_those_there_are(project: Path) -> None:
    assert "on_denied must be 'stop' or 'next', not 'skip'" in refused(
        "resolvers.env.on_denied = 'skip'", project
    )


@pytest.mark.parametrize("text", ["ttl = ", "[", "a = 1\na = 2", "x = " + "[" * 20_000, "ttl = 1\0"])
def test_a_file_that_is_no_toml_is_refused(text: str, project: Path) -> None:
    assert "is no TOML" in refused(text, project)


def test_a_file_that_is_not_utf_8_is_refused(project: Path) -> None:
    (project / "secretsource.toml").write_bytes("# ä\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        configure()


def test_a_byte_order_mark_and_carriage_returns_are_accepted(project: Path) -> None:
    (project / "secretsource.toml").write_bytes(b"\xef\xbb\xbfttl = 1\r\n")
    assert 1 == Config.load().ttl


@pytest.mark.parametrize("text", ["[tool", "tool = 5", "[project]\nname = 'x'\n"])
def test_a_pyproject_of_others_is_not_ours_to_complain_about(text: str, project: Path) -> None:
    write(project, text, "pyproject.toml").chmod(0o666)
    assert 300 == Config.load().ttl


@pytest.mark.parametrize("text", ["[tool.secretsource]\nttl =", "[tool]\nsecretsource = 5"])
def test_a_pyproject_in_which_our_table_is_broken_is_refused(text: str, project: Path) -> None:
    write(project, text, "pyproject.toml")
    with pytest.raises(ConfigError):
        configure()


@pytest.mark.parametrize("name", ["secretsource.toml", "pyproject.toml"])
def test_a_world_writable_file_is_refused(name: str, project: Path) -> None:
    write(project, "[tool.secretsource]\nttl = 1\n" if name == "pyproject.toml" else "ttl = 1\n", name)
    (project / name).chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        configure()


def test_a_file_that_may_not_be_read_is_refused_and_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with unprivileged() as folder:
        write(folder, "ttl = 1\n").chmod(0)
        monkeypatch.chdir(folder)
        with pytest.raises(ConfigError, match="Permission denied"):
            configure()
        monkeypatch.undo()


@pytest.mark.timeout(5)
def test_a_pipe_is_refused_without_waiting(project: Path) -> None:
    os.mkfifo(project / "secretsource.toml")
    with pytest.raises(ConfigError, match="no regular file"):
        configure()


@pytest.mark.parametrize("key", ["resolvers", "secrets", "profiles"])
def test_what_a_terminal_would_obey_is_escaped_in_messages(key: str, project: Path) -> None:
    message = refused(f'[{key}."\\u001b[2J"]\nx = 1\n', project)
    assert message.isprintable()
    assert "\\x1b[2J" in message


def test_a_profile_that_is_not_known_is_refused_with_those_that_are(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "[profiles.prod]\n[profiles.dev]\n")
    monkeypatch.setenv("SECRETSOURCE_PROFILE", "pord")
    with pytest.raises(ConfigError, match=r"'pord' is not declared.*declared are: dev, prod"):
        configure()


def test_a_profile_may_be_known_by_its_layer_alone(project: Path) -> None:
    (project / ".env.staging.local").touch()
    assert "staging" == Config.load(profile="staging").profile


@pytest.mark.parametrize("profile", ["../prod", "a/b", "..", "a b", "\x1b[2J", 5, ["prod"]])
def test_what_is_no_plain_word_is_no_profile(profile: object) -> None:
    with pytest.raises(ConfigError, match="profile must be one word"):
        Config.load(profile=profile)


# Credentials


VAULT = (
    '[resolvers.vault]\naddress = "https://127.0.0.1:1"\nauth = {{ method = "approle", role_id = "r", {} }}\n'
)


@pytest.mark.parametrize("prefix", ["", "profiles.prod."])
@pytest.mark.parametrize("key", ["secret_id", "token", "api_key", "password", "jwt"])
def test_a_credential_in_plain_text_is_refused_and_not_repeated(key: str, prefix: str, project: Path) -> None:
    value = secrets.token_hex()
    message = refused(f"[{prefix}resolvers.vault.auth]\n{key} = '{value}'\n", project)
    assert f"{prefix}resolvers.vault.auth.{key} is written in plain text" in message
    assert value not in message


@pytest.mark.parametrize(
    "text",
    [
        "[resolvers.vault.auth]\ntoken = '{}'\n",
        "[resolvers.vault]\ntoken = '{}'\n",
        "[resolvers.vault.auth]\ntoken = '{}'\n[",
        "[resolvers.vault]\nauth.method = 'token'\nauth.token = 'x://{}'\naddress = 'https://127.0.0.1:1'\n",
    ],
    ids=["literal", "wrong place", "broken file", "looks like a reference"],
)
def test_a_credential_that_is_refused_is_in_no_frame_of_the_traceback(text: str, project: Path) -> None:
    canary = secrets.token_hex()
    write(project, "chain = ['vault']\n" + text.format(canary))
    with pytest.raises(ConfigError) as caught:
        configure()
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "find_config" in shown or "Config.load" in shown
    assert canary[:16] not in shown.replace(f"canary = '{canary}'", "")


def test_a_file_that_is_nested_by_its_keys_is_refused(project: Path) -> None:
    assert "nested too deeply" in refused("a." * 20_000 + "b = 1", project)


def test_a_credential_that_is_a_number_is_plain_text_too(project: Path) -> None:
    message = refused("[resolvers.vault.auth]\ntoken = 12345678\n", project)
    assert "plain text" in message
    assert "12345678" not in message


def test_a_credential_that_looks_like_a_reference_is_not_repeated(project: Path) -> None:
    value = secrets.token_hex()
    message = refused("chain = ['vault']\n" + VAULT.format(f'secret_id = "{value}://{value}"'), project)
    assert "resolvers.vault.auth.secret_id is no reference to a local resolver" in message
    assert value not in message


@pytest.mark.parametrize("reference", ["aws://a#b", "vault://kv/a#b", "conjur://a", "env://A/B", "env://A#b"])
def test_a_credential_comes_from_a_local_resolver_only(reference: str, project: Path) -> None:
    message = refused("chain = ['vault']\n" + VAULT.format(f'secret_id = "{reference}"'), project)
    assert "no reference to a local resolver" in message


def test_a_reference_is_read_at_each_login_and_not_when_the_store_is_built(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "chain = ['vault']\n" + VAULT.format('secret_id = "env://NOT_YET"'))
    configure()
    credential = LocalCredential("env://NOT_YET", "here")
    with pytest.raises(ConfigError, match="here: nothing is at env://NOT_YET"):
        credential()
    for value in ("one", "two"):
        monkeypatch.setenv("NOT_YET", value)
        assert value == credential()


@pytest.mark.parametrize(("content", "value"), [("x", "x"), ("x\n", "x"), ("x\r\n", "x")])
def test_a_credential_in_a_file_loses_one_line_end(content: str, value: str, project: Path) -> None:
    (project / "secret_id").write_text(content)
    assert value == LocalCredential(f"file://{project}/secret_id", "here")()


def test_a_credential_may_stand_in_dotenv(project: Path) -> None:
    (project / ".env").write_text("SECRET_ID=x\n")
    assert "x" == LocalCredential("dotenv://SECRET_ID", "here")()


def test_a_credential_in_dotenv_is_that_of_the_active_profile(project: Path) -> None:
    value = secrets.token_hex()
    (project / ".env").write_text("SECRET_ID=of-no-profile\n")
    (project / ".env.prod").write_text(f"SECRET_ID={value}\n")
    assert "of-no-profile" == LocalCredential("dotenv://SECRET_ID", "here")()
    assert value == LocalCredential("dotenv://SECRET_ID", "here", profile="prod")()


def test_a_credential_that_is_not_there_is_told_with_where_it_was_looked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match=r"nothing is at file://secret_id \(/run/secrets.*/secret_id\)"):
        LocalCredential("file://secret_id", "here")()


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_a_credential_that_is_empty_is_no_login(content: str, project: Path) -> None:
    (project / "secret_id").write_text(content)
    with pytest.raises(ConfigError, match=r"here: what is at file://.*/secret_id is empty"):
        LocalCredential(f"file://{project}/secret_id", "here")()


def test_a_credential_that_is_no_text_is_refused_without_it(project: Path) -> None:
    (project / "secret_id").write_bytes(b"canary\xff")
    with pytest.raises(ConfigError, match="is no text") as caught:
        LocalCredential(f"file://{project}/secret_id", "here")()
    assert "canary" not in str(caught.value)


def test_a_credential_is_not_in_the_repr_of_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex()
    monkeypatch.setenv("SECRET_ID", value)
    credential = LocalCredential("env://SECRET_ID", "here")
    assert value == credential()
    assert "LocalCredential('env://SECRET_ID')" == repr(credential)


# Names


def test_a_name_is_placed_where_the_configuration_says(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "here is it").write_text("from file")
    monkeypatch.setenv("ELSEWHERE", "from env")
    write(
        project,
        f'chain = ["env", "files"]\n[secrets."a/b"]\nenv = "ELSEWHERE"\n'
        f'[secrets."c/d"]\nfiles = "{project}/here%20is%20it"\n',
    )
    assert ("from env", "from file") == (get_secret("a/b"), get_secret("c/d"))


def test_a_place_may_be_written_as_a_whole_reference(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "x").write_text("from file")
    monkeypatch.setenv("ELSEWHERE", "from env")
    write(
        project,
        f'chain = ["env", "files"]\n[secrets.a]\nenv = "env://ELSEWHERE"\n'
        f'[secrets.b]\nfiles = "file://{project}/x"\n',
    )
    assert ("from env", "from file") == (get_secret("a"), get_secret("b"))


def test_a_prefix_does_not_apply_to_a_placed_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACED", "x")
    configure(chain=["env"], resolvers={"env": {"prefix": "MYAPP_"}}, secrets={"a": {"env": "PLACED"}})
    assert "x" == get_secret("a")


def test_a_placed_name_is_found_with_references_in_the_configuration_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLACED", "x")
    configure(references="config", secrets={"a": {"env": "PLACED"}})
    assert "x" == get_secret("a")


def test_a_name_may_have_a_ttl_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "1")
    monkeypatch.setenv("B", "1")
    configure(chain=["env"], secrets={"a": {"ttl": 0}})
    assert ("1", "1") == (get_secret("a"), get_secret("b"))
    monkeypatch.setenv("A", "2")
    monkeypatch.setenv("B", "2")
    assert ("2", "1") == (get_secret("a"), get_secret("b"))


def test_a_name_has_a_description_and_may_be_optional(project: Path) -> None:
    write(project, '[secrets."a/b"]\ndescription = "Sends mail"\nrequired = false\nttl = 60\n')
    assert SecretConfig(description="Sends mail", required=False, ttl=60) == Config.load().secrets["a/b"]


# The store that comes of it


def test_configure_reads_directory_and_environment_anew(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "ttl = 1\n")
    assert 1 == default_store().ttl
    write(project, "ttl = 2\n")
    assert 1 == default_store().ttl
    assert 2 == configure().ttl == default_store().ttl
    (project / "app" / ".git").mkdir(parents=True)
    monkeypatch.chdir(project / "app")
    assert 300 == configure().ttl
    monkeypatch.setenv("SECRETSOURCE_TTL", "3")
    assert 3 == configure().ttl


@pytest.mark.parametrize(
    "wrong", [{"tll": 1}, {"chain": ["nowhere"]}, {"chain": ["vault"]}, {"profile": "x"}]
)
def test_a_configuration_that_fails_leaves_the_store_as_it_was(
    wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "x")
    store = configure(ttl=7)
    assert "x" == get_secret("a")
    with pytest.raises(ConfigError):
        configure(**wrong)
    assert store is default_store()
    assert "x" == get_secret("a")


def test_a_failure_of_the_first_use_is_told_again_with_the_next(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "x")
    path = write(project, "tll = 1\n")
    for _ in range(2):
        with pytest.raises(ConfigError):
            get_secret("a", default="not on an error")
    path.unlink()
    assert "x" == get_secret("a")


def test_a_ready_configuration_is_taken_as_it_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "ttl = 1\n")
    monkeypatch.setenv("SECRETSOURCE_MAX_STALE", "1")
    store = configure(Config(chain=["env"], ttl=9))
    assert (9, 900) == (store.ttl, store.max_stale)


def test_a_ready_configuration_and_settings_exclude_each_other() -> None:
    with pytest.raises(TypeError, match="not both"):
        configure(Config(), ttl=1)


def test_a_chain_may_hold_resolvers_and_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B_A", "x")
    configure(chain=[EnvResolver("one", prefix="A_"), Link(EnvResolver("two", prefix="B_"), ttl=0)])
    assert "x" == get_secret("a")


def test_an_empty_chain_finds_nothing() -> None:
    configure(chain=[])
    with pytest.raises(SecretNotFound, match="the chain is empty"):
        get_secret("a")


def test_a_relative_path_starts_at_the_folder_of_its_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "secrets").mkdir()
    (project / "secrets" / "a_b").write_text("x")
    (project / "deep").mkdir()
    write(project, 'chain = ["files"]\n[resolvers.files]\npath = "secrets"')
    monkeypatch.chdir(project / "deep")
    assert "x" == configure().get("a/b").value


@pytest.mark.parametrize("key", ["path", "ca_file", "client_cert", "client_key"])
def test_each_key_that_is_a_path_starts_there(project: Path, key: str) -> None:
    write(project, f'chain = ["env"]\n[resolvers.x]\nkind = "vault"\n{key} = "deep/file.pem"')
    assert str(project / "deep/file.pem") == Config.load().resolvers["x"][key]


@pytest.mark.parametrize("key", ["path", "ca_file", "client_cert", "client_key", "token_file"])
def test_a_path_that_is_empty_is_not_the_folder_of_the_file(project: Path, key: str) -> None:
    message = refused(f'chain = ["env"]\n[resolvers.x]\nkind = "vault"\n{key} = ""', project)
    assert f"resolvers.x.{key} is empty: name a file or a folder, or leave it out" in message


@pytest.mark.parametrize("key", ["ca_file", "client_cert", "client_key"])
def test_a_key_in_pem_form_in_the_place_of_a_path_is_shown_nowhere(project: Path, key: str) -> None:
    canary = secrets.token_hex(8)
    pem = f"-----BEGIN PRIVATE KEY-----\\n{canary}\\n-----END PRIVATE KEY-----"
    write(project, f'chain = ["vault"]\n[resolvers.vault]\n{key} = "{pem}"')
    with pytest.raises(ConfigError, match=f"{key} is no path but what a PEM file holds") as caught:
        configure()
    assert canary not in str(caught.value) + locals_of_ours(caught.value)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("vault", {"address": "https://vault.invalid"}),
        ("conjur", {"url": "https://c.invalid", "account": "a"}),
    ],
)
def test_a_key_in_pem_form_that_is_given_as_an_argument_is_shown_nowhere(
    kind: str, address: dict[str, str]
) -> None:
    canary = secrets.token_hex(8)
    pem = f"-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----"
    settings = address | {"client_cert": "client.pem", "client_key": pem}
    with pytest.raises(ConfigError, match=r"key of .*client_cert.* is no path") as caught:
        configure(chain=[kind], resolvers={kind: settings})
    assert canary not in str(caught.value) + locals_of_ours(caught.value)


def locals_of_ours(error: BaseException) -> str:
    """Return what a traceback with local variables shows of the package's frames."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if f"{os.sep}tests{os.sep}" not in frame.f_code.co_filename]
    assert ours
    return "".join(repr(frame.f_locals) for frame in ours)


@pytest.mark.parametrize(
    "settings",
    [
        lambda token: {"chian": ["env"], "resolvers": {"vault": {"auth": {"token": token}}}},
        lambda token: {"resolvers": {"vault": {"vault_token": token}}},
        lambda token: {"resolvers": {"vault": {"auth": token}}},
        lambda token: {"resolvers": {"vault": {"auth": [token]}}},
        lambda token: {
            "chain": ["vault"],
            "resolvers": {"vault": {"address": f"https://me:{token}@vault.invalid"}},
        },
        lambda token: {"token": token},
    ],
)
def test_a_refused_setting_shows_in_no_local_variable_of_ours(
    settings: Callable[[str], dict[str, object]], project: Path
) -> None:
    token = secrets.token_hex(8)
    given = settings(token)
    with pytest.raises(ConfigError) as caught:
        configure(**given)
    ours = [
        frame
        for frame in traceback.walk_tb(caught.value.__traceback__)
        if "/tests/" not in frame[0].f_code.co_filename
    ]
    assert ours
    assert token not in str(caught.value) + "".join(repr(frame.f_locals) for frame, _ in ours)


def test_a_stray_variable_shows_in_no_local_variable_of_ours(
    monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    token = secrets.token_hex(8)
    monkeypatch.setenv("SECRETSOURCE_TOKEN", token)
    with pytest.raises(ConfigError) as caught:
        Config.load()
    ours = [
        frame
        for frame in traceback.walk_tb(caught.value.__traceback__)
        if "/tests/" not in frame[0].f_code.co_filename
    ]
    assert token not in str(caught.value) + "".join(repr(frame.f_locals) for frame, _ in ours)


def test_the_repr_of_a_configuration_has_no_settings_of_resolvers(project: Path) -> None:
    token = secrets.token_hex(8)
    assert token not in repr(Config.load(resolvers={"vault": {"auth": {"token": token}}}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('chain = ["env", "vualt"]', "chain: no resolver is of the kind 'vualt'; did you mean 'vault'?"),
        ('[profile.prod]\nchain = ["env"]', "did you mean [profiles.NAME]?"),
    ],
)
def test_a_slip_is_told_where_it_was_made(text: str, said: str, project: Path) -> None:
    (project / "secretsource.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        configure()
    assert f"{project}/secretsource.toml: {said}" == str(caught.value)


@pytest.mark.parametrize(("name", "said"), [("none.toml", "no such file"), ("pyproject.toml", "no table")])
def test_a_named_file_that_has_no_configuration_says_why(name: str, said: str, project: Path) -> None:
    (project / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ConfigError, match=said):
        configure(config_file=name)


def test_a_reference_to_what_is_not_configured_says_how_to_configure_it(project: Path) -> None:
    with pytest.raises(InvalidReference, match=r"put it into the chain or add \[resolvers.vault\]"):
        configure(chain=["env"]).get("vault://secret/a#b")
