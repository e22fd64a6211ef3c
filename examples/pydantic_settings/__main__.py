"""Load settings whose secrets are in a .env file, use one that is rotated, and refuse one that is wrong.

pip install -r examples/pydantic_settings/requirements.txt
python -m examples.pydantic_settings
"""

import os
import secrets
import tempfile
import time
from pathlib import Path

from pydantic import ValidationError

from examples.pydantic_settings.settings import Settings

NOTICED = 1.5  # seconds until an edit of .env is seen


def main() -> None:
    first, second, session_key = (secrets.token_hex() for _ in range(3))
    known = {"DB_PRIMARY_USER": "shop", "DB_PRIMARY_PASSWORD": secrets.token_hex()}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # .env is looked for here
        os.environ["SHOP_DB__HOST"] = "db.example.com"
        write(known | {"SHOP_SESSION_KEY": session_key, "PEPIPOST_API_KEY": first})

        settings = Settings()
        print(settings)
        print(f"connects to {settings.db.host} as {settings.db.user}")
        print("sends a mail with the first key:", settings.mail_key() == first)

        write(known | {"SHOP_SESSION_KEY": session_key[:4], "PEPIPOST_API_KEY": second})
        time.sleep(NOTICED)
        print("sends a mail with the second key:", settings.mail_key() == second)

        try:
            settings.__init__()
        except ValidationError as error:
            print(error.errors(include_url=False))
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
