"""No test asks a backend that it did not ask for."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testing.inner import OURS, passes

pytest_plugins = ["pytester"]

# A backend that needs no client library.
_CONFIG = """
chain = ["env", "aws"]

[resolvers.aws]
transport = "lambda"
endpoint_url = "http://127.0.0.1:{port}"
"""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Somebody who listens, and answers nobody: a queue of one shows whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project whose configuration names AWS."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makefile(".toml", secretsource=_CONFIG.format(port=listening.getsockname()[1]))
    return pytester


def was_called(listening: socket.socket) -> bool:
    try:
        listening.accept()[0].close()
    except BlockingIOError:
        return False
    return True


# Backends


def test_a_test_that_asked_for_nothing_asks_no_backend(
    project: pytest.Pytester, listening: socket.socket
) -> None:
    source = """
def test_x():
    with pytest.raises(IsolationError) as raised:
        get_secret("pepipost/api_key", default="d")
    assert str(raised.value) == (
        "aws at pepipost#api_key through 127.0.0.1:PORT: no real backend is asked in a test that did not ask for it; "
        "give the test values with the fixture or the marker 'secrets', or mark it with @pytest.mark.real_secrets, or "
        'set secretsource_backends = "all" in the configuration of pytest'
    )
"""
    passes(project, source.replace("PORT", str(listening.getsockname()[1])))
    assert not was_called(listening)


@pytest.mark.parametrize("link", ["", "on_denied = 'next'\non_unavailable = 'next'"])
def test_neither_a_default_nor_another_link_hides_it(project: pytest.Pytester, link: str) -> None:
    toml = project.path / "secretsource.toml"
    text = toml.read_text().replace('"aws"]', '"aws", "dotenv"]')
    toml.write_text(text.replace("transport", f"{link}\ntransport"))
    (project.path / ".env").write_text("PEPIPOST_API_KEY=x\n")
    source = """
def test_x():
    with pytest.raises(IsolationError):
        get_secret("pepipost/api_key", default="d")
"""
    passes(project, source)


def test_local_backends_are_asked_as_always(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEPIPOST_API_KEY", "from the environment")
    passes(project, "def test_x(): assert get_secret('pepipost/api_key') == 'from the environment'")


def test_a_marked_test_asks_the_backend_and_the_next_one_does_not(
    project: pytest.Pytester, listening: socket.socket
) -> None:
    source = """
STORE = Store(default_store().chain, timeout=0.2)

@pytest.mark.real_secrets
def test_real():
    with pytest.raises(BackendUnavailable):
        get_secret("pepipost/api_key", timeout=0.2)

def test_none():
    with pytest.raises(IsolationError):
        get_secret("pepipost/api_key", timeout=0.2)

def test_none_in_a_store_of_its_own():
    with pytest.raises(IsolationError):
        STORE.get("pepipost/api_key")

@pytest.mark.real_secrets
def test_that_store_again():
    with pytest.raises(BackendUnavailable):
        STORE.get("pepipost/api_key")
"""
    passes(project, source, passed=4)
    assert was_called(listening)


def test_the_marker_of_a_class_or_a_module_counts_too(project: pytest.Pytester) -> None:
    source = """
pytestmark = pytest.mark.real_secrets

class TestX:
    def test_x(self):
        with pytest.raises(BackendUnavailable):
            get_secret("pepipost/api_key", timeout=0.1)
"""
    passes(project, source)


def test_the_import_of_a_test_module_asks_no_backend(project: pytest.Pytester) -> None:
    project.makepyfile(test_it="from secretsource import get_secret\nKEY = get_secret('pepipost/api_key')\n")
    done = project.runpytest_inprocess(*OURS)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["E *IsolationError: aws at pepipost#api_key *: no real backend is *"])


def test_the_import_of_a_conftest_asks_no_backend(project: pytest.Pytester) -> None:
    project.makeconftest("from secretsource import get_secret\nget_secret('pepipost/api_key')")
    done = project.runpytest_inprocess(*OURS)
    assert 0 != done.ret
    assert "IsolationError: aws at pepipost#api_key" in done.stderr.str() + done.stdout.str()


def test_a_fixture_of_a_wider_scope_says_itself_that_it_asks(project: pytest.Pytester) -> None:
    source = """
@pytest.fixture(scope="session")
def refused():
    with pytest.raises(IsolationError):
        get_secret("pepipost/api_key")

@pytest.fixture(scope="session")
def asked():
    with real_secrets(), pytest.raises(BackendUnavailable):
        get_secret("pepipost/api_key", timeout=0.1)
    with pytest.raises(IsolationError):
        get_secret("pepipost/api_key")

@pytest.mark.real_secrets
def test_refused_though_the_first_test_is_marked(refused): pass

def test_asked(asked): pass
"""
    passes(project, source, passed=2)


def test_a_thread_that_outlives_its_marked_test_asks_no_backend_any_more(project: pytest.Pytester) -> None:
    source = """
import threading
go, said = threading.Event(), []

def read():
    go.wait(10)
    try:
        get_secret("pepipost/api_key", timeout=0.2)
    except Exception as error:
        said.append(type(error))

thread = threading.Thread(target=read)

@pytest.mark.real_secrets
def test_begins(): thread.start()

def test_ends():
    go.set()
    thread.join(10)
    assert said == [IsolationError]
"""
    passes(project, source, passed=2)


@pytest.mark.parametrize(
    ("level", "local", "remote"),
    [
        ("all", "'from the environment'", "DeadlineExceeded"),
        ("local", "'from the environment'", "IsolationError"),
        ("none", "IsolationError", "IsolationError"),
    ],
)
def test_the_option_says_what_may_be_asked(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, level: str, local: str, remote: str
) -> None:
    monkeypatch.setenv("A_B", "from the environment")
    source = f"""
from secretsource import DeadlineExceeded

def read(name):
    try:
        return get_secret(name, timeout=0.1)
    except Exception as error:
        return type(error)

def test_local(): assert read("a/b") == {local}
def test_remote(): assert read("c/d") == {remote}
"""
    passes(project, source, "-o", f"secretsource_backends={level}", passed=2)


def test_an_option_that_means_nothing_is_told(project: pytest.Pytester) -> None:
    done = project.runpytest_inprocess(*OURS, "-o", "secretsource_backends=remote")
    assert pytest.ExitCode.USAGE_ERROR == done.ret
    done.stderr.fnmatch_lines(["ERROR: secretsource_backends must be one of all, local, none, not 'remote'"])


def test_a_store_that_code_made_itself_is_guarded_where_the_resolver_is_ours(
    project: pytest.Pytester,
) -> None:
    source = """
from secretsource.resolvers.aws import AwsResolver
from secretsource.testing import MemoryResolver

class Fake(MemoryResolver):
    pass

def test_ours():
    with Store([AwsResolver("aws", transport="lambda")]) as store, pytest.raises(IsolationError):
        store.get("pepipost/api_key")

def test_a_fake():
    configure(chain=[Fake({"pepipost/api_key": "x"})])
    assert get_secret("pepipost/api_key") == "x"
"""
    passes(project, source, passed=2)


def test_a_resolver_of_others_is_guarded_where_the_configuration_names_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = project.path / "site" / "corp-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corp\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[secretsource.resolvers]\ncorp = corp:make\n")
    (info.parent / "corp.py").write_text(
        "from secretsource.testing import MemoryResolver\n"
        "class Corp(MemoryResolver):\n"
        "    def fetch_many(self, locations, deadline): return [self.fetch(each, deadline) for each in locations]\n"
        "def make(name): return Corp({'a': 'x', 'b': 'y'}, name=name)\n"
    )
    monkeypatch.syspath_prepend(str(info.parent))
    source = """
from secretsource.testing import MemoryResolver

def test_named():
    configure(chain=["corp"])
    with pytest.raises(IsolationError):
        get_secret("a")
    with pytest.raises(IsolationError):
        default_store().get_many(["a", "b"])

def test_made():
    assert Store([MemoryResolver({"a": "x"})]).get("a").value == "x"
"""
    passes(project, source, passed=2)


def test_several_names_and_a_check_are_guarded_like_one(
    project: pytest.Pytester, listening: socket.socket
) -> None:
    source = """
from secretsource import get_secrets

def test_x():
    with pytest.raises(IsolationError):
        get_secrets(["a/b", "c/d"])
    checked = default_store().check([])
    assert "no real backend is asked" in str([link.error for link in checked.links])
"""
    passes(project, source)
    assert not was_called(listening)


def test_everything_is_as_before_when_the_run_is_over(project: pytest.Pytester) -> None:
    from secretsource import _guard

    before = _guard.set_refusal(None)
    try:
        _guard.set_refusal(lambda *_: None)
        mine = _guard._refusal
        passes(project, "def test_x(): pass")
        assert mine is _guard._refusal
    finally:
        _guard.set_refusal(before)


def test_doctests_are_guarded_too(project: pytest.Pytester) -> None:
    path = Path(project.path) / "mine.py"
    path.write_text(
        '"""\n>>> from secretsource import get_secret\n>>> get_secret("a/b")  # doctest: +IGNORE_EXCEPTION_DETAIL\n'
        'Traceback (most recent call last):\nsecretsource.testing._isolation.IsolationError: no\n"""\n'
    )
    done = project.runpytest_inprocess(*OURS, "--doctest-modules", "mine.py")
    done.assert_outcomes(passed=1)
    assert "mine" not in sys.modules


def test_a_run_without_the_plugin_guards_nothing(project: pytest.Pytester) -> None:
    source = """
import pytest
from secretsource import BackendUnavailable, get_secret
from secretsource.testing import real_secrets

def test_x():
    with pytest.raises(BackendUnavailable):
        get_secret("pepipost/api_key", timeout=0.1)
    with real_secrets(), pytest.raises(BackendUnavailable):
        get_secret("pepipost/api_key", timeout=0.1)
"""
    project.makepyfile(test_it=source)
    project.runpytest_subprocess("-p", "no:secretsource").assert_outcomes(passed=1)


def test_the_option_and_the_marker_are_told(project: pytest.Pytester) -> None:
    told = project.runpytest_inprocess(*OURS, "--markers").stdout.str()
    assert "@pytest.mark.real_secrets: let the test ask real backends" in told
    assert (
        "which backends tests may ask without saying so"
        in project.runpytest_inprocess(*OURS, "-h").stdout.str()
    )
