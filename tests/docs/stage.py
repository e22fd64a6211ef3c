"""What a page finds when its first block runs: servers, variables, commands, and the addresses it writes about."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.docs.standins import put_commands
from tests.servers._process import free_port
from tests.servers.conjur import ConjurServer
from tests.servers.mongodb import MongoDB
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

__all__ = ["Stage", "staged"]

_ACCOUNT = "myorg"
# Pages start servers of their own here.
_LISTENED_ON = ("127.0.0.1:8025", "127.0.0.1:8200")
_HIDDEN = ("AWS_", "BAO_", "CONJUR_", "SECRETSOURCE_", "VAULT_")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a page needs.

    Attributes:
        environ: All variables of its shell.
        instead: What the page writes, and what stands for it in the tests.
    """

    environ: dict[str, str]
    instead: dict[str, str]

    def translated(self, text: str) -> str:
        """Return *text* with the addresses of the tests."""
        for written, real in self.instead.items():
            text = text.replace(written, real)
        return text


@contextmanager
def staged(text: str, folder: Path, scratch: Path) -> Iterator[Stage]:
    """Start what the page with this *text* needs: the servers whose addresses or commands it writes.

    Args:
        text: The whole page.
        folder: Where its blocks are run.
        scratch: A folder outside the page's own.
    """
    home, commands = scratch / "home", scratch / "commands"
    home.mkdir()
    commands.mkdir()
    put_commands(commands)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
    environ |= {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
    }
    stage = Stage(environ, {})
    if any(address in text for address in _LISTENED_ON):
        stage.instead.update(_free_addresses())
    if "pip install -e ." in text:
        environ["PYTHONPATH"] = str(folder)
    if "/run/secrets/vault" in text:
        mounted = scratch / "run-secrets"
        mounted.mkdir()
        stage.instead["/run/secrets/"] = f"{mounted}/"
    with ExitStack() as stack:
        for sign, enter in _SERVERS.items():
            if sign in text:
                enter(stage, stack, home)
        yield stage


def _free_addresses() -> dict[str, str]:
    """Return free addresses in the place of those that pages listen on, as they are written and as Python's tuples."""
    first = free_port(count=2 * len(_LISTENED_ON))
    free = {address: f"127.0.0.1:{first + 2 * at}" for at, address in enumerate(_LISTENED_ON)}
    return free | {each.replace(":", '", '): other.replace(":", '", ') for each, other in free.items()}


def _enter_aws(stage: Stage, stack: ExitStack, home: Path) -> None:
    stage.environ.update(stack.enter_context(Moto()).environ)


def _enter_keyring(stage: Stage, stack: ExitStack, home: Path) -> None:
    stage.environ["PYTHONPATH"] = str(Path(__file__).with_name("keystore"))


def _enter_vault(stage: Stage, stack: ExitStack, home: Path) -> None:
    """Log the operator in as ``bao login`` does: the token lies in the home directory."""
    bao = stack.enter_context(OpenBao())
    (home / ".vault-token").write_text(bao.root_token)
    stage.environ["BAO_ADDR"] = bao.url
    _stand_in(stage, "vault.example.com:8200", bao.url)


def _enter_postgres(stage: Stage, stack: ExitStack, home: Path) -> None:
    """Let the operator find a database with a table, and a user with which OpenBao can make others."""
    postgres = stack.enter_context(Postgres())
    postgres.query("CREATE DATABASE shop")
    postgres.query("CREATE TABLE orders AS SELECT 1 AS id", database="shop")
    stage.environ["OPENBAO_DB_PASSWORD"] = postgres.create_admin("openbao")
    for written in ("db.example.com:5432", "host=db.example.com port=5432"):
        real = written.replace("db.example.com", "127.0.0.1").replace("5432", str(postgres.port))
        stage.instead[written] = real


def _enter_django(stage: Stage, stack: ExitStack, home: Path) -> None:
    """Let the developer find a database, with a user whose password the page knows as a variable."""
    postgres = stack.enter_context(Postgres())
    stage.environ["SHOP_DB_PASSWORD"] = postgres.create_user("shop")
    postgres.query("CREATE DATABASE shop OWNER shop")
    stage.instead['"HOST": "db.example.com"'] = '"HOST": "127.0.0.1"'
    stage.instead['"PORT": "5432"'] = f'"PORT": "{postgres.port}"'


def _enter_drivers(stage: Stage, stack: ExitStack, home: Path) -> None:
    """Let the developer find a database, for drivers, with a user whose password the page knows as a variable."""
    postgres = stack.enter_context(Postgres())
    stage.environ["SHOP_DB_PASSWORD"] = postgres.create_user("shop")
    postgres.query("CREATE DATABASE shop OWNER shop")
    for written in (
        "@db.example.com:5432",
        "host=db.example.com port=5432",
        'host="db.example.com", port=5432',
    ):
        real = written.replace("db.example.com", "127.0.0.1").replace("5432", str(postgres.port))
        stage.instead[written] = real


def _enter_redis(stage: Stage, stack: ExitStack, home: Path) -> None:
    redis = stack.enter_context(Redis())
    stage.environ.update(PASSWORD_OF_REDIS=redis.password, C_FORCE_ROOT="1")
    stage.instead["redis.example.com:6379"] = f"127.0.0.1:{redis.port}"
    stage.instead['"redis.example.com"'] = '"127.0.0.1"'
    stage.instead["port=6379"] = f"port={redis.port}"


def _enter_mongodb(stage: Stage, stack: ExitStack, home: Path) -> None:
    mongodb = stack.enter_context(MongoDB())
    mongodb.passwords["shop"] = stage.environ["PASSWORD_OF_MONGODB"] = secrets.token_hex(8)
    stage.instead["mongo.example.com:27017"] = f"127.0.0.1:{mongodb.port}"


def _enter_conjur(stage: Stage, stack: ExitStack, home: Path) -> None:
    server = stack.enter_context(ConjurServer(_ACCOUNT, policy="- !group operators\n"))
    key = server.api_key("admin")
    stage.environ.update(ADMIN_URL=server.url, ADMIN_ACCOUNT=_ACCOUNT, ADMIN_KEY=key)
    _stand_in(stage, "conjur.example.com", server.url)


def _stand_in(stage: Stage, host: str, url: str) -> None:
    stage.instead[f"https://{host}"] = url
    stage.instead[host] = url.removeprefix("http://")


_SERVERS: dict[str, Callable[[Stage, ExitStack, Path], None]] = {
    "aws secretsmanager": _enter_aws,
    "aws ssm": _enter_aws,
    "keyring set": _enter_keyring,
    "https://vault.example.com": _enter_vault,
    "https://conjur.example.com": _enter_conjur,
    "OPENBAO_DB_PASSWORD": _enter_postgres,
    "redis.example.com": _enter_redis,
    "mongo.example.com": _enter_mongodb,
    "secretsource.integrations.django.postgresql": _enter_django,
    "secretsource.integrations.sqlalchemy import": _enter_drivers,
    "secretsource.integrations.psycopg_pool import": _enter_drivers,
}
