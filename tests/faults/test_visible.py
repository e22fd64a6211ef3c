"""What is hidden would be found, wherever it showed: the cells could fail."""

from __future__ import annotations

import base64
import logging
import pickle
import secrets
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.canaries import Canaries, new_text
from tests.faults.visible import logged, shown, unheard


class Hidden:
    """Holds a text without showing it."""

    def __init__(self) -> None:
        self.canaries = Canaries()
        self.text = new_text()
        self.canaries.add("value", self.text)

    def __repr__(self) -> str:
        return "Hidden()"


def caught(act: Callable[[Hidden], object], hidden: Hidden) -> BaseException:
    try:
        act(hidden)
    except BaseException as error:  # noqa: BLE001 - it is what is looked at
        return error
    raise AssertionError("nothing was raised")


def in_its_text(hidden: Hidden) -> None:
    raise ValueError(hidden.text)


def in_a_local(hidden: Hidden) -> None:
    local = [hidden.text]
    raise ValueError(len(local))


def in_its_attributes(hidden: Hidden) -> None:
    error = ValueError()
    error.body = hidden.text  # type: ignore[attr-defined]  # as vendors do
    raise error


def in_a_note(hidden: Hidden) -> None:
    error = ValueError()
    error.add_note(hidden.text)
    raise error


def in_its_cause(hidden: Hidden) -> None:
    try:
        in_a_local(hidden)
    except ValueError as error:
        raise KeyError from error


def in_its_context(hidden: Hidden) -> None:
    try:
        in_its_attributes(hidden)
    except ValueError:
        raise KeyError from None


class PickledError(Exception):
    def __reduce__(self) -> Any:
        frame: Any = sys._getframe()
        while "hidden" not in frame.f_locals:
            frame = frame.f_back
        return PickledError, (frame.f_locals["hidden"].text,)


def in_its_pickle(hidden: Hidden) -> None:
    raise PickledError


@pytest.mark.parametrize(
    "act",
    [in_its_text, in_a_local, in_its_attributes, in_a_note, in_its_cause, in_its_context, in_its_pickle],
)
def test_a_secret_is_found_in_an_error(act: Callable[[Hidden], object]) -> None:
    hidden = Hidden()
    error = caught(act, hidden)
    assert ["value"] == sorted({what for text in shown(error, []) for what in hidden.canaries.seen_in(text)})


def test_a_local_is_seen_by_python_by_rich_and_by_an_error_tracker() -> None:
    hidden = Hidden()
    *_, python, rich, tracker = shown(caught(in_a_local, hidden), [])
    assert [["value"]] * 3 == [hidden.canaries.seen_in(text) for text in (python, rich, tracker)]


def test_a_secret_is_found_in_a_log_of_any_logger() -> None:
    hidden = Hidden()
    with logged() as records:
        logging.getLogger(secrets.token_hex(4)).debug("%s", hidden.text)
        logging.getLogger("urllib3").debug("nothing", extra={"header": hidden.text})
    assert [["value"], ["value"]] == [hidden.canaries.seen_in(text) for text in shown(None, records)]


def test_what_prepares_a_cell_is_not_logged() -> None:
    with logged() as records, unheard():
        logging.getLogger("boto3").critical("x")
    assert [] == records


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"a{text}".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: text[::-1],
        lambda text: text[:30],
        lambda text: pickle.dumps(text).decode("latin-1"),
    ],
)
def test_a_secret_is_found_encoded_and_in_part(encoded: Callable[[str], str]) -> None:
    hidden = Hidden()
    assert ["value"] == hidden.canaries.seen_in(f"...{encoded(hidden.text)}...")


def test_another_text_is_no_secret() -> None:
    assert [] == Hidden().canaries.seen_in(new_text())
