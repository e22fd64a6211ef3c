"""The six places of the demonstration: real servers on loopback, and a project folder, with a different key in each."""

import json
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.servers.conjur import ConjurServer
from tests.servers.environment import forget_settings
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao
from tests.servers.pepipost import Pepipost

POLICY = 'path "secret/data/pepipost" { capabilities = ["read"] }'

CONFIGURATION = """\
chain = ["env", "dotenv"]                # on a laptop; also what holds without any configuration

[profiles.prod]                          # SECRETSOURCE_PROFILE=prod
chain = ["env", "files", "aws", "vault", "conjur"]
ttl = 1                                  # seconds; short, so that nobody has to wait here

[resolvers.files]
path = "{files}"

[resolvers.aws]
region = "eu-central-1"

[resolvers.vault]
address = "{vault}"
auth = {{ method = "approle", role_id = "env://DEMO_ROLE_ID", secret_id = "env://DEMO_SECRET_ID" }}

[resolvers.conjur]
url = "{conjur}"
account = "demo"
auth = {{ method = "api_key", login = "host/app/web", api_key = "env://DEMO_CONJUR_KEY" }}
"""


class Places:
    """Starts the servers, puts the keys, and takes all of it away again."""

    def __enter__(self) -> "Places":
        forget_settings()  # the demonstration has its own
        self._exit = ExitStack()
        with self._exit:
            self.project = Path(
                self._exit.enter_context(tempfile.TemporaryDirectory(prefix="secretsource-demo-"))
            )
            self.bao = self._exit.enter_context(OpenBao())
            self.moto = self._exit.enter_context(Moto())
            self.conjur = self._exit.enter_context(ConjurServer())
            self.pepipost = self._exit.enter_context(Pepipost())
            self._put_project()
            self._exit = self._exit.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._exit.close()

    def new_key(self) -> str:
        """Make a key that the mail service accepts."""
        key = f"pp-{secrets.token_hex(16)}"
        self.pepipost.accept(key)
        return key

    def _put_project(self) -> None:
        (self.project / ".git").mkdir()  # what marks the root of a project
        (self.project / "secrets").mkdir()
        text = CONFIGURATION.format(
            files=self.project / "secrets", vault=self.bao.url, conjur=self.conjur.url
        )
        (self.project / "secretsource.toml").write_text(text)
        os.chdir(self.project)
        os.environ.update(self.moto.environ)

    # Putting a key and taking it away, one pair for each place

    def put_dotenv(self) -> None:
        path = self.project / ".env"
        path.touch(mode=0o600)
        path.write_text(f"PEPIPOST_API_KEY={self.new_key()}\n")

    def put_env(self) -> None:
        os.environ["PEPIPOST_API_KEY"] = self.new_key()

    def take_env(self) -> None:
        del os.environ["PEPIPOST_API_KEY"]

    def put_files(self) -> None:
        path = self.project / "secrets" / "pepipost_api_key"
        path.touch(mode=0o600)
        path.write_text(self.new_key())

    def take_files(self) -> None:
        (self.project / "secrets" / "pepipost_api_key").unlink()

    def put_aws(self) -> None:
        client = self.moto.client()
        client.create_secret(Name="pepipost", SecretString=json.dumps({"api_key": self.new_key()}))
        client.close()

    def take_aws(self) -> None:
        client = self.moto.client()
        client.delete_secret(SecretId="pepipost")
        client.close()

    def put_vault(self) -> None:
        self.bao.policy("mailer", POLICY)
        role_id, secret_id = self.bao.approle("mailer", ["mailer"])
        os.environ.update(DEMO_ROLE_ID=role_id, DEMO_SECRET_ID=secret_id)
        self.bao.put("secret", "pepipost", {"api_key": self.new_key()})

    def take_vault(self) -> None:
        self.bao.api("DELETE", "secret/data/pepipost", token=self.bao.root_token)

    def put_conjur(self) -> None:
        os.environ["DEMO_CONJUR_KEY"] = self.conjur.api_key("host/app/web")
        self.conjur.set("pepipost/api_key", self.new_key().encode())

    def deny_vault(self) -> None:
        """Take the policy away from the role: it may still log in, and read nothing."""
        self.bao.policy("mailer", 'path "secret/data/another" { capabilities = ["read"] }')

    def allow_vault(self) -> None:
        self.bao.policy("mailer", POLICY)
