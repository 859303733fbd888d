"""What is no generator, or asks one for what it has not, is one line that says so."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_generator import small_generator
from torch import nn

from artifact_units.errors import UserError, did_you_mean
from artifact_units.generators import load_generator, save_generator
from artifact_units.generators.foreign import options_of, read_description
from artifact_units.generators.own import NOTES
from artifact_units.layers.generator import Generator, Layer

DATA = Path(__file__).parents[2] / "parity" / "data"
NVIDIA = "stylegan2-nvada-a/network-snapshot-py37.pkl"
GENFORCE = "pggan-genforce-fused-a/checkpoint.pth"


class Deaf(nn.Module):
    """Names a layer that it has not."""

    latent_dim = 3
    layers = ("third",)


class Small(nn.Module):
    """Says what image it is to give."""

    latent_dim = 3
    layers = ("only",)

    def __init__(self, gives: object, layers: object = ("only",)) -> None:
        super().__init__()
        self.only = nn.Conv2d(3, 2, 1)
        self.gives, self.layers = gives, layers

    def forward(self, latents: torch.Tensor) -> object:
        self.only(latents[:, :, None, None])
        return torch.zeros(*self.gives) if isinstance(self.gives, list) else self.gives


def declared() -> Generator:
    """A generator whose declared size its network does not keep to."""
    network = Small([2, 3, 8, 8])
    return Generator(network, "mine", (Layer("layer1", "only", 2, 1, 1),), 3, 4)


def wrapped() -> nn.Module:
    """A module whose layer goes by a second name."""
    outer = Small([1, 3, 8, 8])
    outer.inside = nn.ModuleList([outer.only])
    outer.layers = ["inside.0"]
    return outer


def exiting() -> None:
    sys.exit(3)


def failing(path: str) -> object:
    raise RuntimeError(f"{path} is\nof 1999")


def unable() -> object:
    raise UserError("put the weights there")


@pytest.fixture(autouse=True)
def _own_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "users_own", sys.modules[__name__])


def said_of(target, **options) -> str:
    with pytest.raises(UserError) as caught:
        load_generator(target, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("math:sqrt", {}, r"math:sqrt: failed with TypeError: .*one argument \(0 given\)"),
        ("math:pi", {}, "math:pi: failed with TypeError: 'float' object is not callable"),
        ("users_own:unable", {"x": 3}, "users_own:unable: failed with TypeError: .*'x'"),
        ("users_own:exiting", {}, r"users_own:exiting: failed with SystemExit: 3 .*line \d+\)"),
        ("users_own:unable", {}, "put the weights there"),
        ("users_own:Deaf", {}, "users_own:Deaf: `layers` names 'third', which is no submodule.*"),
        (
            "users_own:failing",
            {"path": "it"},
            r"users_own:failing: failed with RuntimeError: it is of 1999 "
            r"\(test_generator_mistakes\.py, line \d+\)",
        ),
    ],
)
def test_a_users_own_code_that_fails_is_named_with_its_error(target, options, said):
    assert re.fullmatch(said, said_of(target, **options))


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ([1, 1, 4, 4], "gives [1, 1, 4, 4] of one latent; an image is [1, 3, px, px]"),
        ([1, 3, 2, 4], "gives [1, 3, 2, 4] of one latent; an image is [1, 3, px, px]"),
        ([3, 4, 4], "gives [3, 4, 4] of one latent; an image is [1, 3, px, px]"),
        ("no image", "gives str of one latent; an image is [1, 3, px, px]"),
    ],
)
def test_a_users_own_network_that_gives_no_rgb_image_is_refused(gives, said):
    assert said_of("users_own:Small", gives=gives) == f"users_own:Small: {said}"


def test_images_that_are_not_of_the_declared_size_are_refused():
    with pytest.raises(UserError, match=r"^mine gives \[2, 3, 8, 8\]; images are \[2, 3, 4, 4\]$"):
        load_generator("users_own:declared")(torch.zeros(2, 3))


def test_a_layer_may_go_by_any_of_its_names():
    assert [layer.module for layer in load_generator("users_own:wrapped").layers] == ["inside.0"]


def test_of_many_names_some_are_listed():
    assert did_you_mean("z", [f"a{k}" for k in range(200)]).endswith(", … (200 in all)")


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (["onlt"], "users_own:Small: `layers` names 'onlt', which is no submodule; did you mean"),
        ("only", "users_own:Small: its module needs `latent_dim` and `layers` (a list of"),
    ],
)
def test_layers_that_the_users_own_network_has_not_are_named(layers, said):
    assert said_of("users_own:Small", gives=[], layers=layers).startswith(said)


def test_what_the_users_own_file_imports_and_is_not_there_is_told_from_the_file(
    tmp_path, monkeypatch
):
    (tmp_path / "users_importing.py").write_text("import os\nimport torchh\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = said_of("users_importing:it")
    assert said.endswith("No module named 'torchh' (users_importing.py, line 2)")
    assert said_of("users_absent.deep:it").endswith("no module 'users_absent' to import")


def test_a_users_own_file_that_is_no_python_is_told_so(tmp_path, monkeypatch):
    (tmp_path / "users_broken.py").write_text("def it(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert re.search(
        r"failed with SyntaxError: .*\(users_broken\.py, line 1\)$", said_of("users_broken:it")
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("class: a", "class is 'a'; it takes a whole number"),
        ("class: true", "class is True; it takes a whole number"),
        ("options: [1]", "options is [1]; it takes keys and values"),
        ("options: {1: 2}", "option 1 is no name of an option"),
    ],
)
def test_a_yaml_file_of_values_of_other_types_is_refused(tmp_path, line, said):
    (tmp_path / "g.yaml").write_text(f"generator: users_own:unable\n{line}\n")
    assert said_of(tmp_path / "g.yaml") == f"{tmp_path / 'g.yaml'}: {said}"


def test_a_yaml_file_names_a_checkpoint_beside_it_and_none_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_generator(tmp_path / "g.safetensors", small_generator([4, 4]))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "g.yaml").write_text("generator: g.safetensors\n")
    said = said_of("deeper/g.yaml")
    assert said == "deeper/g.yaml: names g.safetensors; there is no such file beside it"


def test_a_yaml_file_that_is_none_says_in_which_line(tmp_path):
    (tmp_path / "g.yaml").write_text("generator: g.pth\n\toptions: {}\n")
    assert "g.yaml: line 2: found character '\\t'" in said_of(tmp_path / "g.yaml")


@pytest.mark.parametrize("pair", ["x", "x=[", "x={a"])
def test_an_option_that_is_no_key_and_value_is_one_line(pair):
    with pytest.raises(UserError, match=r"^option "):
        options_of([pair])


def test_our_own_layout_takes_no_option(tmp_path):
    save_generator(tmp_path / "g.safetensors", small_generator([4, 4]))
    said = said_of(tmp_path / "g.safetensors", nonsense=1)
    assert said == "artifact-units has no option 'nonsense'; there is nothing to choose from"


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ('{"classifier": {"px": 64}}', "holds a classifier, not a generator; give the generator"),
        ('{"family": "scene_encoder", "values": 3}', "holds a scene encoder, not a generator"),
        ("{}", "its metadata 'artifact_units' cannot be read (its family is None)"),
        ("[]", "its metadata 'artifact_units' cannot be read (it is a list)"),
        ("{", "its metadata 'artifact_units' cannot be read (Expecting"),
        ('{"family": "pggan", "config": []}', "its metadata 'artifact_units' cannot be read ("),
        ('{"family": [], "config": {}}', "its metadata 'artifact_units' cannot be read ("),
    ],
)
def test_a_file_of_our_own_that_is_no_generator_says_what_it_is(tmp_path, notes, said):
    path = tmp_path / "x.safetensors"
    save_file({"weight": torch.zeros(1)}, path, metadata={NOTES: notes})
    assert said_of(path).startswith(f"{path}: {said}")


@pytest.mark.parametrize("edits", [[], 3, {"layer1": 3}, {"layer1": [3]}, {"layer1": [[]]}])
def test_edits_in_a_file_that_are_none_are_one_line(tmp_path, edits):
    path = tmp_path / "g.safetensors"
    save_generator(path, small_generator([4, 4]))
    with safe_open(path, framework="pt") as file:
        notes = json.loads(file.metadata()[NOTES]) | {"edits": edits}
    save_file(load_file(path), path, metadata={NOTES: json.dumps(notes)})
    assert said_of(path)


@pytest.mark.parametrize(
    ("key", "shape", "said"),
    [
        ("shared.weight", (5,), "shared.weight is [5]; it should have 2 axes"),
        ("blocks.0.0.conv1.weight", (), "conv1.weight is []; it should have 4 axes"),
        ("shared.weight", (9, 1), "its tensors do not fit each other: "),
    ],
)
def test_a_tensor_of_another_shape_is_named(tmp_path, key, shape, said):
    tree = torch.load(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth", weights_only=True)
    assert key in tree
    torch.save(tree | {key: torch.ones(shape)}, tmp_path / "x.pth")
    assert said in said_of(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (NVIDIA, {"conv_clamp": -1}, "conv_clamp is -1; it takes a number of at least 0"),
        (NVIDIA, {"conv_clamp": float("nan")}, "conv_clamp is nan; it takes a number"),
        (NVIDIA, {"conv_clamp": 7}, "conv_clamp is 7; the file says 256: leave it out"),
        (GENFORCE, {"label_size": -1}, "label_size is -1; of 16 values that the first layer takes"),
        (GENFORCE, {"label_size": 16}, "label_size is 16; of 16 values"),
    ],
)
def test_an_option_that_the_file_cannot_have_is_refused(name, options, said):
    assert said in said_of(DATA / name, **options)


@pytest.mark.parametrize("text", ["[" * 5000, "generator: 2020-13-45"])
def test_a_description_that_yaml_cannot_hold_is_refused_in_one_line(tmp_path: Path, text: str):
    path = tmp_path / "deep.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"deep\.yaml: not readable") as refusal:
        read_description(path)
    assert "\n" not in str(refusal.value)
