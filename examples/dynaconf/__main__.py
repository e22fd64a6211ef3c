"""Read settings of which some are secrets, also after a rotation, and list them without showing one.

pip install -r examples/dynaconf/requirements.txt
python -m examples.dynaconf
"""

import os
import secrets
import tempfile
import time
from pathlib import Path
from subprocess import run
from sys import executable

from dynaconf import ValidationError

from examples.dynaconf.config import settings

NOTICED = 1.5  # seconds until an edit of .env is seen


def main() -> None:
    repository = Path.cwd()
    first, second, stripe, password = (secrets.token_hex() for _ in range(4))
    known = {"STRIPE_KEY": stripe, "DB_PRIMARY_PASSWORD": password}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # .env is looked for here
        write(known | {"PEPIPOST_API_KEY": first})
        print("on the laptop:", settings.db_url)

        production = settings.from_env("production")
        print("in production, with the password of there:", password in production.db_url)
        print("sends a mail with the first key:", settings.mail.key == first)
        write(known | {"PEPIPOST_API_KEY": second})
        time.sleep(NOTICED)
        print("sends a mail with the second key:", settings.mail.key == second)

        command = "from dynaconf.cli import main; main()"
        run(
            [executable, "-c", command, "-i", "examples.dynaconf.config.settings", "list", "-k", "MAIL"],
            env=os.environ | {"PYTHONPATH": str(repository)},
            check=True,
        )

        write(known | {"STRIPE_KEY": "short"})
        time.sleep(NOTICED)
        try:
            settings.validators.validate_all()
        except ValidationError as error:
            print(error)
        os.chdir("/")
    print("done")


def write(values: dict[str, str]) -> None:
    """Replace the file in one step, as a reader may come at any time."""
    new = Path(".env.new")
    new.touch(mode=0o600)
    new.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    new.replace(".env")


if __name__ == "__main__":
    main()
