"""C. Starting: imports, and the time from the start of a process to its first secret."""

from __future__ import annotations

import statistics

from bench._aws_canned import NAME
from bench._fresh import Fresh, Starts, start
from bench._harness import Effort, Goal, Samples, Section, Table, between, number, spread
from bench._peers import present
from bench._servers import Servers

TITLE = "C. Starting"
BARE = "bare interpreter"
CORE = "os, json, threading, time, logging"
PACKAGE = "import secretsource"
FUNCTION = "from secretsource import get_secret"
_HEAVY = ("aiohttp", "asyncio", "boto3", "botocore", "conjur_api", "hvac", "requests", "ssl", "urllib3")
_DOTENV = "dotenv.load_dotenv + os.environ"


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    imports = start(_imports(), effort, 22)
    secrets = start(present(_first_secrets(servers)), effort, 35)
    section = Section([_import_table(imports), _secret_table(secrets)])
    section.goals += _import_goals(imports) + _secret_goals(secrets)
    return section


def _imports() -> dict[str, Fresh]:
    codes = {
        BARE: "pass",
        CORE: "import os, json, threading, time, logging",
        PACKAGE: "import secretsource",
        FUNCTION: "from secretsource import get_secret",
        "python-dotenv": "import dotenv",
        "python-decouple": "import decouple",
        "django-environ": "import environ",
        "environs": "import environs",
        "pydantic-settings": "import pydantic_settings",
        "dynaconf": "import dynaconf",
        "cachetools": "import cachetools",
        "boto3": "import boto3",
        "hvac": "import hvac",
        "conjur_api": "import conjur_api",
        "aws-secretsmanager-caching": "import aws_secretsmanager_caching",
        "powertools parameters": "from aws_lambda_powertools.utilities import parameters",
    }
    return {label: Fresh(code) for label, code in present(codes).items()}


def _first_secrets(servers: Servers) -> dict[str, Fresh]:
    """Return ways from the start of a process to its first secret; each checks that it has it."""
    aws = servers.aws_environ(servers.canned.url)
    vault = {"VAULT_ADDR": servers.openbao.url, "VAULT_TOKEN": servers.openbao.root_token}
    conjur = servers.conjur
    variables = {
        "CONJUR_APPLIANCE_URL": conjur.url,
        "CONJUR_ACCOUNT": conjur.account,
        "CONJUR_AUTHN_LOGIN": conjur.login,
        "CONJUR_AUTHN_API_KEY": conjur.api_key,
        "CONJUR_CERT_FILE": conjur.ca_file,
    }
    given = {"BENCH_TOKEN": servers.value}
    ours = f"from secretsource import get_secret; assert len(get_secret({NAME!r})) == 128"
    return {
        BARE: Fresh("pass"),
        "os.environ": Fresh("import os; assert len(os.environ['BENCH_TOKEN']) == 128", given),
        "secretsource, a variable": Fresh(ours, given),
        "secretsource, a line of .env": Fresh(ours),
        _DOTENV: Fresh(
            "import os, dotenv; dotenv.load_dotenv('.env'); assert len(os.environ['BENCH_TOKEN']) == 128"
        ),
        "pydantic-settings, a variable": Fresh(
            "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n bench_token: str\n"
            "assert len(S().bench_token) == 128",
            given,
        ),
        "AWS: secretsource": Fresh(ours, aws | {"SECRETSOURCE_CHAIN": "aws"}),
        "AWS: boto3": Fresh(
            "import boto3, json; c = boto3.client('secretsmanager'); s = c.get_secret_value(SecretId='bench')\n"
            "assert len(json.loads(s['SecretString'])['token']) == 128",
            aws,
        ),
        "AWS: aws-secretsmanager-caching": Fresh(
            "from aws_secretsmanager_caching import SecretCache\nimport json\n"
            "assert len(json.loads(SecretCache().get_secret_string('bench'))['token']) == 128",
            aws,
        ),
        "AWS: powertools": Fresh(
            "from aws_lambda_powertools.utilities import parameters\n"
            "assert len(parameters.get_secret('bench', transform='json')['token']) == 128",
            aws,
        ),
        "Vault: secretsource": Fresh(ours, vault | {"SECRETSOURCE_CHAIN": "vault"}),
        "Vault: hvac": Fresh(
            "import os, hvac; c = hvac.Client(url=os.environ['VAULT_ADDR'])\n"
            "s = c.secrets.kv.v2.read_secret_version(path='bench', raise_on_deleted_version=True)\n"
            "assert len(s['data']['data']['token']) == 128",
            vault,
        ),
        "Conjur: secretsource": Fresh(ours, variables | {"SECRETSOURCE_CHAIN": "conjur"}),
        "Conjur: conjur_api": Fresh(_conjur_code(), variables),
    }


def _conjur_code() -> str:
    return f"""
import os
from conjur_api import Client
from conjur_api.models import ConjurConnectionInfo, CredentialsData, SslVerificationMode
from conjur_api.providers import AuthnAuthenticationStrategy, SimpleCredentialsProvider
v = os.environ
url, credentials = v["CONJUR_APPLIANCE_URL"], SimpleCredentialsProvider()
credentials.save(
    CredentialsData(machine=url, username=v["CONJUR_AUTHN_LOGIN"], api_key=v["CONJUR_AUTHN_API_KEY"])
)
client = Client(
    ConjurConnectionInfo(conjur_url=url, account=v["CONJUR_ACCOUNT"], cert_file=v["CONJUR_CERT_FILE"]),
    ssl_verification_mode=SslVerificationMode.CA_BUNDLE,
    authn_strategy=AuthnAuthenticationStrategy(credentials),
    async_mode=False,
)
assert len(client.get({NAME!r})) == 128
"""


# Tables


def _over(seconds: Samples[str], label: str) -> list[float]:
    """Return what *label* took over the bare interpreter of the same round."""
    return [one - bare for one, bare in zip(seconds[label], seconds[BARE], strict=True)]


def _ratio(seconds: Samples[str], label: str, reference: str) -> float:
    """Return the ratio of what both take over the bare interpreter."""
    return statistics.median(_over(seconds, label)) / statistics.median(_over(seconds, reference))


def _import_table(starts: Starts) -> Table:
    columns = ["import", "ms", "ms over bare", "10-90 %", "x boto3", "MiB", "MiB over bare", "modules"]
    table = Table("Import, in fresh interpreters", columns)
    for label, samples in starts.seconds.items():
        over = spread(_over(starts.seconds, label))
        table.rows.append(
            [
                label,
                number(statistics.median(samples) * 1e3),
                number(over.median * 1e3),
                between(over, 1e3),
                number(_ratio(starts.seconds, label, "boto3")),
                number(starts.mebibytes[label]),
                number(starts.mebibytes[label] - starts.mebibytes[BARE]),
                str(len(starts.modules[label])),
            ]
        )
    return table


def _secret_table(starts: Starts) -> Table:
    columns = ["first secret", "ms", "ms over bare", "10-90 %", "x its bare client", "MiB"]
    table = Table("From the start of a process to its first secret", columns)
    for label, samples in starts.seconds.items():
        over = spread(_over(starts.seconds, label))
        table.rows.append(
            [
                label,
                number(statistics.median(samples) * 1e3),
                number(over.median * 1e3),
                between(over, 1e3),
                number(_ratio(starts.seconds, label, _reference(label))) if label != BARE else "",
                number(starts.mebibytes[label]),
            ]
        )
    return table


def _reference(label: str) -> str:
    clients = {"AWS": "AWS: boto3", "Vault": "Vault: hvac", "Conjur": "Conjur: conjur_api"}
    return clients.get(label.partition(":")[0], _DOTENV)


# Goals


def _import_goals(starts: Starts) -> list[Goal]:
    over = starts.mebibytes[PACKAGE] - starts.mebibytes[BARE]
    heavy = {
        label: [name for name in _HEAVY if name in starts.modules[label]] for label in (PACKAGE, FUNCTION)
    }
    return [
        Goal(f"{PACKAGE} / import boto3", _ratio(starts.seconds, PACKAGE, "boto3"), 0.15),
        Goal(f"{PACKAGE} / {CORE}", _ratio(starts.seconds, PACKAGE, CORE), 1.5),
        Goal(f"{PACKAGE}: MiB over bare", over, 4),
        *(
            Goal(f"{label}: SDKs, ssl, asyncio loaded: {', '.join(names) or 'none'}", len(names), 0)
            for label, names in heavy.items()
        ),
    ]


def _secret_goals(starts: Starts) -> list[Goal]:
    pairs = [
        ("secretsource, a variable", _DOTENV, 1.0),
        ("secretsource, a variable", "AWS: boto3", 0.2),
        ("AWS: secretsource", "AWS: boto3", 1.1),
        ("Vault: secretsource", "Vault: hvac", 1.1),
    ]
    return [
        Goal(f"first secret: {label} / {reference}", _ratio(starts.seconds, label, reference), limit)
        for label, reference, limit in pairs
    ]
