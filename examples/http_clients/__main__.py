"""Change the key of a mail service while an application sends through it, and lose no mail.

pip install -r examples/http_clients/requirements.txt
python -m examples.http_clients
"""

import asyncio
import os
import secrets
import tempfile
from pathlib import Path

from examples.http_clients.mailer import async_client, client, mail, session
from examples.http_clients.service import MailService

FIRST, THEN = 3, 5  # mails before and after the key changes


def main() -> None:
    with MailService() as service, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        rotate(service)
        with client(service.url) as http:
            statuses = [http.post("/v5/mail/send", json=mail("a@example.com")) for _ in range(FIRST)]
            rotate(service)
            statuses += [http.post("/v5/mail/send", json=mail("a@example.com")) for _ in range(THEN)]
        say(service, "httpx", [each.status_code for each in statuses])

        say(service, "httpx, 50 coroutines", asyncio.run(many(service)))

        with session() as http:
            url = f"{service.url}/v5/mail/send"
            statuses = [http.post(url, json=mail("b@example.com")) for _ in range(FIRST)]
            rotate(service)
            statuses += [http.post(url, json=mail("b@example.com")) for _ in range(THEN)]
        say(service, "requests", [each.status_code for each in statuses])
        os.chdir("/")
    print("done")


async def many(service: MailService) -> list[int]:
    async with async_client(service.url) as http:
        rotate(service)
        sending = (http.post("/v5/mail/send", json=mail(f"{number}@example.com")) for number in range(50))
        return [each.status_code for each in await asyncio.gather(*sending)]


def rotate(service: MailService) -> None:
    """Change the key at the service, and then where the application reads it."""
    service.key = secrets.token_hex(16)
    path = Path(".env")
    path.touch(mode=0o600)
    path.write_text(f"PEPIPOST_API_KEY={service.key}\n")


def say(service: MailService, how: str, statuses: list[int]) -> None:
    print(
        f"{how}: {len(statuses)} mails, {statuses.count(202)} accepted; "
        f"{service.refused} requests were refused on the way"
    )
    service.refused = 0


if __name__ == "__main__":
    main()
