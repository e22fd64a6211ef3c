"""A framework that is not installed."""

from __future__ import annotations

import pytest

from secretsource import MissingDependency
from secretsource.integrations._needs import needs


def test_what_is_installed_is_imported() -> None:
    with needs("JSON", extra="json"):
        import json
    assert "{}" == json.dumps({})


def test_what_is_not_says_what_to_install_and_what_python_said() -> None:
    with pytest.raises(MissingDependency) as caught, needs("The Framework", extra="the-framework"):
        import no_such_framework.at_all  # type: ignore[import-not-found]  # noqa: F401
    assert (
        "this needs The Framework (no_such_framework cannot be imported): "
        "pip install 'secretsource[the-framework]'"
    ) == str(caught.value)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_other_failures_of_a_framework_are_its_own() -> None:
    with pytest.raises(ZeroDivisionError), needs("Nothing", extra="nothing"):
        raise ZeroDivisionError
