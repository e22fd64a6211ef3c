"""Run the demonstration: ``make demo``."""

import logging
import os
import sys
import time
import timeit
from collections.abc import Callable

from examples.demo.application import send_mail
from examples.demo.places import Places
from secretsource import Explanation, SecretSourceError, configure, default_store, get_secret

NAME = "pepipost/api_key"
ROW = "{:<8} {:<36} {:<22} {:>11} {:>12} {:>9}   {}"

WHAT_THE_ROWS_SAY = """
The first two rows have no profile: the environment wins over .env. Then, with the profile 'prod', each key is taken
away after it was used, and the next link of the chain answers. 'First read' loads the client library, connects and
logs in; 'read again' asks the backend once more; 'cached' is what every later call costs.
"""


def main() -> None:
    started = time.perf_counter()
    say("starting OpenBao, an AWS stand-in (moto), a Conjur stand-in and a mail service, all on loopback …")
    with Places() as places:
        say(f"ready after {time.perf_counter() - started:.1f} s\n")
        walk_the_chain(places)
        show_denied(places)
        show_down(places)
        say("stopping the servers and removing the project folder …")
    say(f"done, after {time.perf_counter() - started:.1f} s")


def walk_the_chain(places: Places) -> None:
    heading("One line of code, a different key in each place", 'get_secret("pepipost/api_key")')
    say(
        ROW.format(
            "link", "location", "version", "first read", "read again", "cached", "the mail service said"
        )
    )
    say(ROW.format("-" * 8, "-" * 36, "-" * 22, "-" * 11, "-" * 12, "-" * 9, "-" * 21))
    for put in (places.put_dotenv, places.put_env):
        put()
        row(places)
    os.environ["SECRETSOURCE_PROFILE"] = "prod"
    for put in (places.put_files, places.put_aws, places.put_vault, places.put_conjur):
        put()
    for take in (places.take_env, places.take_files, places.take_aws, places.take_vault):
        take()
        row(places)
    say(WHAT_THE_ROWS_SAY)


def row(places: Places) -> None:
    configure()
    first = seconds(lambda: get_secret(NAME))
    again = seconds(lambda: get_secret(NAME, refresh=True))
    found = default_store().get(NAME)
    cached = min(timeit.repeat(lambda: get_secret(NAME), number=1000, repeat=5)) / 1000
    said = send_mail(places.pepipost.url)
    times = (f"{first * 1e3:.1f} ms", f"{again * 1e3:.2f} ms", f"{cached * 1e9:.0f} ns")
    say(ROW.format(found.source, cut(found.location, 36), cut(found.version or "", 22), *times, said))


def show_denied(places: Places) -> None:
    heading("Vault says no", "the role lost its policy; Conjur, behind it, still has a key")
    places.put_vault()
    places.deny_vault()
    configure()
    attempt(lambda: get_secret(NAME))
    say("")
    table(default_store().explain(NAME))
    say("The chain stops: a denial is no reason to take another key from somewhere else.\n")
    places.allow_vault()


def show_down(places: Places) -> None:
    heading("Vault is down", "its process is stopped")
    show_log()
    configure()
    get_secret(NAME)
    places.bao.stop()
    time.sleep(1.1)  # past the ttl
    found = default_store().get(NAME)
    say("a process that had read the key before the outage is served, and told so:")
    say(f"  {found}")
    say("\na process that starts now is told what is wrong:")
    configure()
    attempt(lambda: get_secret(NAME))
    say("")


def show_log() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("log: %(levelname)s %(name)s: %(message)s\n"))
    logging.getLogger("secretsource").addHandler(handler)


def attempt(read: Callable[[], object]) -> None:
    try:
        read()
    except SecretSourceError as error:
        say(f"  {type(error).__name__}: {error}".replace("\n", "\n  "))
    else:
        raise SystemExit("the read was expected to fail")


def table(explanation: Explanation) -> None:
    for step in explanation.steps:
        said = step.reason.text if step.reason else str(step.outcome)
        say(f"  {step.link:<8} {cut(step.location, 60):<60} {step.seconds * 1e3:>7.1f} ms   {said}")
    for link, location in explanation.not_asked:
        say(f"  {link:<8} {cut(location, 60):<60} {'':>10}   not asked")


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[1 - width :]


def heading(title: str, more: str) -> None:
    say(f"== {title}: {more}\n")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
