from __future__ import annotations

import inspect

import pytest

from artifact_units import registry
from artifact_units.errors import UserError

METHODS = [(shelf, name) for shelf in registry.VERBS for name in registry.names(shelf)]


@pytest.mark.parametrize(("shelf", "name"), METHODS)
def test_every_method_documents_its_function_and_types_its_options(shelf: str, name: str) -> None:
    function = registry.take(shelf, name)
    assert function.__doc__
    for option in registry.options(registry.take(shelf, name)).values():
        assert option.annotation is not inspect.Parameter.empty


def test_an_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'ablation'"):
        registry.take("correctors", "ablatoin")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "layer4", "n": 1, "m": 2}, "no option 'm'"),
        ({"layer": "layer4", "n": 1.5}, "option n is 1.5; it takes int"),
        ({"layer": "layer4", "n": True}, "option n is True; it takes int"),
        ({"layer": 4, "n": 1}, "option layer is 4; it takes str"),
        ({"n": 1}, "needs the option 'layer'"),
    ],
)
def test_options_are_checked_against_the_signature(given, message: str) -> None:
    with pytest.raises(UserError, match=message):
        registry.check_options("correctors", "ablation", given)
