from __future__ import annotations

import pytest

from artifact_units.files.inert import Inert, fields, is_inert, is_module, placeholder, text_of

HARMLESS = [
    "datetime.datetime",
    "pathlib.PosixPath",
    "pathlib._local.WindowsPath",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "torch.torch_version.TorchVersion",
    "torch.nn.modules.activation.ReLU",
    "collections.defaultdict",
    "omegaconf.dictconfig.DictConfig",
    "__main__.Config",
    "models.utils.config.BaseConfig",
]
REFUSED = [
    "posix.system",
    "os.popen",
    "subprocess.Popen",
    "builtins.eval",
    "builtins.getattr",
    "types.FunctionType",
    "types.CodeType",
    "torch.hub.load",
    "torch.load",
    "torch.utils.cpp_extension.CppExtension",
    "numpy.load",
    "numpy.testing._private.utils.runstring",
    "pandas.eval",
    "cloudpickle.cloudpickle.CloudPickler",
    "pip._internal.Main",
    "Config",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_value_is_stood_for_and_keeps_what_it_was_given(name):
    kind = placeholder(name)
    assert kind is not None
    value = kind(1, two=2)
    value.__setstate__({"three": 3})
    assert isinstance(value, Inert)
    assert is_inert(value)
    assert (value.asked, value.given, dict(fields(value))) == (name, (1,), {"three": 3})
    assert {value: 4}[value] == 4  # as an Enum's member is a key


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_checkpoint_needs_has_no_placeholder(name):
    assert placeholder(name) is None


def test_each_file_has_placeholders_of_its_own():
    assert placeholder("a.B") is not placeholder("a.B")  # a pickle may set attributes on one


def test_a_module_is_told_by_its_state():
    kind = placeholder("models.Generator")
    assert kind is not None
    value = kind()
    assert not is_module(value)
    value.__setstate__({"_modules": {}, "_parameters": {}})
    assert is_module(value)
    assert not is_module({"_modules": {}, "_parameters": {}})


def test_a_key_is_printed_on_one_line():
    assert text_of("a\nb\x1b[31m\ud800") == "a?b?[31m?"
    assert text_of((1, (2,))) == "tuple"
    assert text_of(3) == "3"
