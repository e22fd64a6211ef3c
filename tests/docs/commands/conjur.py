"""`conjur policy load -b root -f FILE` and `conjur variable set -i ID -v VALUE`, as the administrator."""

import argparse
import base64
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path

base, account = os.environ["ADMIN_URL"], os.environ["ADMIN_ACCOUNT"]


def call(path: str, body: bytes, headers: dict[str, str]) -> str:
    request = urllib.request.Request(base + path, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        text: str = answer.read().decode()
    return text


parser = argparse.ArgumentParser()
parser.add_argument("noun")
parser.add_argument("verb")
for option in "bfiv":
    parser.add_argument(f"-{option}")
asked = parser.parse_args()

token = call(f"/authn/{account}/admin/authenticate", os.environ["ADMIN_KEY"].encode(), {})
login = {"Authorization": f'Token token="{base64.b64encode(token.encode()).decode()}"'}
if (asked.noun, asked.verb) == ("policy", "load"):
    sys.stdout.write(call(f"/policies/{account}/policy/{asked.b}", Path(asked.f).read_bytes(), login) + "\n")
elif (asked.noun, asked.verb) == ("variable", "set"):
    variable = urllib.parse.quote(asked.i, safe="")
    call(f"/secrets/{account}/variable/{variable}", asked.v.encode(), login)
else:
    sys.exit(f"no such command: {sys.argv[1:]}")
