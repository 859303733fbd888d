"""A network of each family, wrapped as training code wraps it: the averaged one is found, or asked.

The averaged and the raw one differ in every weight, so that whichever is taken shows.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import enum
import pathlib
import pickle
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from parity import made
from parity.cases import FOLDER, WHOLE, fits
from torch import Tensor, nn

from artifact_units.corrections.export import export
from artifact_units.errors import UserError
from artifact_units.generators import load_generator
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator

State = dict[str, Tensor]
CASES = WHOLE.parent / "cases" / "wrapped"


def dcgan(latent: int, widths: list[int]) -> State:
    state, entries = {}, latent
    for k, units in enumerate([*widths, 3]):
        state[f"main.{3 * k}.weight"] = made.normal(entries, units, 4, 4)
        if k < len(widths):
            state |= {f"main.{3 * k + 1}.{n}": made.normal(units) for n in ("weight", "bias")}
            state[f"main.{3 * k + 1}.running_mean"] = made.normal(units)
            state[f"main.{3 * k + 1}.running_var"] = made.normal(units).exp()
        entries = units
    return state


FAMILIES: dict[str, State] = {
    "pggan": made.gandissect(5, [6, 6, 4, 4]),
    "stylegan2": made.nvidia(6, 5, [4, 4, 4, 3]),
    "unetgan": made.biggan(6, [8, 8, 8], spectral=False),
    "biggan": torch.load(FOLDER / "biggan-ajbrock-a" / "G_ema_best0.pth", weights_only=True),
    "dcgan": dcgan(6, [5, 4]),
}
CRITIC = {"main.0.weight": torch.ones(4, 3, 4, 4), "main.2.weight": torch.ones(1, 4, 4, 4)}


class Mode(enum.Enum):
    FAST = 1


class Easy(dict):
    """A dictionary of attributes, as configuration libraries have them."""


def under(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def inside(wrapper: str, state: State) -> State:
    """The wrapper between the first and the second part of each key."""
    return {key.replace(".", f".{wrapper}.", 1): value for key, value in state.items()}


def parameters(state: State) -> State:
    """What an average of parameters alone holds: no statistics, no noise, no spectral vectors."""
    buffers = ("running_", "stored_", "u0", "sv0", "noise_const", "filter", "w_avg")
    return {k: v for k, v in state.items() if not any(b in k for b in buffers)}


Wrap = Callable[[State, State], Any]  # (the averaged network, the raw one) -> what is saved
READ: dict[str, tuple[Wrap, str]] = {  # and the place that is taken
    "lightning with ema": (
        lambda a, r: {"state_dict": under("generator.", r) | under("generator_ema.", a)},
        "state_dict.generator_ema",
    ),
    "lightning, ema_pytorch": (
        lambda a, r: {
            "state_dict": under("generator.", r)
            | under("ema.online_model.", r)
            | under("ema.ema_model.", a)
            | {"ema.step": torch.tensor(3), "ema.initted": torch.tensor(True)}
        },
        "state_dict.ema.ema_model",
    ),
    "gan with discriminator": (
        lambda a, r: {"G": r, "D": dict(CRITIC), "Gs": a, "iteration": 7},
        "Gs",
    ),
    "swa": (
        lambda a, r: {"model": r, "swa": under("module.", a) | {"n_averaged": torch.tensor(3)}},
        "swa",
    ),
    "averaged model under a plain name": (
        lambda a, r: {
            "net": r,
            "other": under("module.module.", a) | {"n_averaged": torch.tensor(3)},
        },
        "other",
    ),
    "compiled in parallel, both": (
        lambda a, r: {
            "netG": under("module._orig_mod.", r),
            "netG_avg": under("_orig_mod.module.module.", a),
        },
        "netG_avg",
    ),
    "compiled parts": (lambda a, r: {"g": r, "g_ema": inside("_orig_mod", a)}, "g_ema"),
    "parallel parts": (lambda a, _: {"g_ema": inside("module", a)}, "g_ema"),
    "fully sharded parts": (
        lambda a, r: {"g": r, "g_ema": inside("_fsdp_wrapped_module", a)},
        "g_ema",
    ),
    "shadow with decay": (
        lambda a, r: {"model": r, "ema": {"decay": 0.999, "num_updates": 3, "shadow": a}},
        "ema.shadow",
    ),
    "shadow of parameters alone": (
        lambda a, r: {"model": r, "ema": {"shadow": parameters(a)}},
        "ema.shadow",
    ),
    "shadow without names": (
        lambda a, r: {
            "net": r,
            "ema": {"decay": 0.9, "shadow_params": list(a.values()), "collected_params": None},
        },
        "ema.shadow_params",
    ),
    "a list of networks": (
        lambda a, r: {"nets": [{"name": "G", "raw": r}, {"name": "Gs", "smoothed": a}]},
        "nets.1.smoothed",
    ),
    "an optimizer before it": (
        lambda a, r: {
            "optim": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-3}]},
            "g_running": a,
            "generator": r,
        },
        "g_running",
    ),
    "under the letter d": (lambda a, r: {"d": {"raw": r, "avg": a}}, "d.avg"),
    "in an optimizer": (
        lambda a, r: {"net": r, "optimizer": {"ema": tuple(a.values()), "state": {}}},
        "optimizer.ema",
    ),
    "flat discriminators": (
        lambda a, r: under("netG.", r) | under("netD.", CRITIC) | under("netG_ema.", a),
        "netG_ema",
    ),
    "capitals joined": (lambda a, r: {"netG": r, "EMAGenerator": a}, "EMAGenerator"),
    "words joined": (lambda a, r: {"netg": r, "netgema": a}, "netgema"),
    "deep": (
        lambda a, r: {"trainer": {"nets": {"gen": {"raw": r, "moving_average": a}}}},
        "trainer.nets.gen.moving_average",
    ),
    "basicsr": (lambda a, r: {"params": r, "params_ema": a}, "params_ema"),
    "namespace": (
        lambda a, r: {"args": argparse.Namespace(lr=1, out=pathlib.PurePosixPath("x")), "g_ema": a},
        "g_ema",
    ),
    "dates and versions": (
        lambda a, _: {
            "when": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            "took": datetime.timedelta(1),
            "torch": torch.__version__,
            "g_ema": a,
        },
        "g_ema",
    ),
    "numpy's": (
        lambda a, _: {
            "fid": np.float32(3),
            "seen": np.arange(3),
            "stream": np.random.RandomState(0).get_state(),
            "kind": np.dtype("f4"),
            "ema": a,
        },
        "ema",
    ),
    "dictionaries with a class": (
        lambda a, r: collections.OrderedDict(
            log=collections.defaultdict(list, fid=[1.0]), nets=Easy(g=r, g_ema=a)
        ),
        "nets.g_ema",
    ),
    "choices and deques": (
        lambda a, _: {"mode": Mode.FAST, "tail": {"of": {Mode.FAST}}, "g_ema": a},
        "g_ema",
    ),
    "a module beside": (
        lambda a, _: {"g_ema": a, "net": nn.Sequential(nn.Linear(2, 2), nn.ReLU())},
        "g_ema",
    ),
}
UNTOLD: dict[str, tuple[Wrap, str]] = {
    "state_dict": (lambda a, _: {"state_dict": a, "optimizer": {"lr": 1}}, "state_dict"),
    "lightning": (
        lambda a, _: {"state_dict": under("generator.", a) | under("discriminator.", CRITIC)},
        "state_dict.generator",
    ),
    "the same twice": (lambda a, _: {"params": dict(a), "params_copy": dict(a)}, "params"),
    "a step of training": (lambda a, _: {"epoch": 3, "net": {"gen": a}}, "net.gen"),
}
ASKED: dict[str, tuple[Wrap, list[str]]] = {
    "two averages": (
        lambda a, r: {"g": r, "ema_999": a, "ema_9999": under("module.", r)},
        ["ema_999", "ema_9999"],
    ),
    "no average": (lambda a, r: {"G_A": a, "G_B": r}, ["G_A", "G_B"]),
    "best and last": (lambda a, r: {"best": {"g_ema": a}, "last": {"g_ema": r}}, ["best", "last"]),
}


def other(state: State) -> State:
    return {key: value * 0.5 for key, value in state.items()}


def weights(generator: Generator) -> State:
    return generator.network.state_dict()


def same(one: State, two: State) -> bool:
    return all(torch.equal(value, two[key]) for key, value in one.items())


def save(tree: Any, path: pathlib.Path) -> pathlib.Path:
    torch.save(tree, path)
    return path


def wrappings(among: dict) -> Any:
    return pytest.mark.parametrize("name", among)


families = pytest.mark.parametrize("family", FAMILIES)


@families
@wrappings(READ)
def test_the_averaged_network_is_taken_and_a_note_says_so(tmp_path, family, name):
    average, (wrap, place) = FAMILIES[family], READ[name]
    bare = load_generator(save(average, tmp_path / "bare.pth"))
    path = save(wrap(average, other(average)), tmp_path / "wrapped.pth")
    if "alone" in name:
        warnings.simplefilter("ignore")  # it says that the rest is of the raw network
        assert parameters(average).keys() <= average.keys()
    found = load_generator(path)
    assert found.layout == bare.layout
    assert any(f"taken: {place}" in note for note in found.notes)
    if "alone" not in name:
        assert same(weights(found), weights(bare))


@families
@wrappings(UNTOLD)
def test_where_the_file_does_not_tell_of_averages_that_is_said(tmp_path, family, name):
    state, (wrap, place) = FAMILIES[family], UNTOLD[name]
    bare = load_generator(save(state, tmp_path / "bare.pth"))
    path = save(wrap(state, other(state)), tmp_path / "wrapped.pth")
    with pytest.warns(UserWarning, match=f"taken: {place}; the file does not tell whether"):
        assert same(weights(load_generator(path)), weights(bare))


@families
@wrappings(ASKED)
def test_where_two_remain_it_is_asked_and_the_answer_is_taken(tmp_path, family, name):
    state, (wrap, places) = FAMILIES[family], ASKED[name]
    bare = load_generator(save(state, tmp_path / "bare.pth"))
    path = save(wrap(state, other(state)), tmp_path / "wrapped.pth")
    with pytest.raises(UserError, match=r"same shapes.*--option weights=") as error:
        load_generator(path)
    assert all(place in str(error.value) for place in places)
    assert "\n" not in str(error.value)
    chosen = str(error.value).partition("--option weights=")[2].partition(",")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(weights(load_generator(path, weights=chosen)), weights(bare))
        with pytest.raises(UserError, match="weights is 'netX'"):
            load_generator(path, weights="netX")


@families
@wrappings(READ)
def test_an_export_changes_what_was_read_and_nothing_else(tmp_path, family, name):
    average, (wrap, place) = FAMILIES[family], READ[name]
    tree = wrap(average, other(average))
    path, out = save(tree, tmp_path / "wrapped.pth"), tmp_path / "out.pth"
    warnings.simplefilter("ignore")
    generator = load_generator(path)
    done = export(path, {generator.layers[-1].name: Scale((1,), (0.5,))}, out)
    assert done.layout == generator.layout
    assert f"changed: {place}" in done.rest
    if family == "biggan":  # spectral norm is baked into it, so it is written alone
        assert load_generator(out).layout == generator.layout
        return
    before = dict(flat(torch.load(path, weights_only=False)))
    after = dict(flat(torch.load(out, weights_only=True)))
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed
    parts = {"module", "_orig_mod"}
    plain = {".".join(p for p in key.split(".") if p not in parts) for key in changed}
    if "left out" not in done.rest:
        assert before.keys() == after.keys()
    assert all(key.startswith(f"{place}.") for key in plain) or "alone" in name


def flat(value: Any, name: str = "") -> Any:
    """Every tensor of a tree by its dotted name."""
    if isinstance(value, Tensor):
        yield name.removeprefix("."), value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from flat(each, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for k, each in enumerate(value):
            yield from flat(each, f"{name}.{k}")


NAMED: dict[str, tuple[Any, str]] = {
    "StyleGAN3": (
        {"synthesis.input.freqs": torch.ones(4, 2), "synthesis.L0_36_64.weight": torch.ones(4)},
        "a StyleGAN3 generator",
    ),
    "lucidrains": (
        {"GAN": {"S.net.0.weight": torch.ones(2), "GE.initial_block": torch.ones(2)}},
        "lucidrains",
    ),
    "akanimax": (
        {"generator": {"layers.0.conv_1.weight": torch.ones(2), "rgb_converters.0.weight": None}},
        "akanimax",
    ),
    "diffusers": ({"down_blocks.0.resnets.0.conv1.weight": torch.ones(2)}, "a diffusion U-Net"),
    "guided diffusion": ({"input_blocks.0.0.weight": torch.ones(2)}, "a diffusion U-Net"),
    "a discriminator": ({"netD": CRITIC}, "holds a discriminator, and no generator"),
    "two discriminators": (
        {"D": CRITIC, "D_ema": CRITIC},
        "holds a discriminator, and no generator",
    ),
    "a whole module": (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "a whole pickled module"),
    "a whole module inside": ({"G": nn.Sequential(nn.Tanh())}, r"G is a whole pickled module"),
    "no tensors": ({"epoch": 3}, "holds no tensors"),
}


@wrappings(NAMED)
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path, name):
    tree, said = NAMED[name]
    with pytest.raises(UserError, match=said) as error:
        load_generator(save(tree, tmp_path / "file.pth"))
    assert "\n" not in str(error.value)
    (tmp_path / "file.pkl").write_bytes(pickle.dumps(tree))
    with pytest.raises(UserError):
        load_generator(tmp_path / "file.pkl")


def test_traced_networks_and_folders_of_diffusers_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "traced.pt", "w") as archive:
        archive.writestr("traced/code/__torch__.py", "")
    with pytest.raises(UserError, match="TorchScript"):
        load_generator(tmp_path / "traced.pt")
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").touch()
    with pytest.raises(UserError, match="one diffusers model"):
        load_generator(tmp_path / "unet")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_of_a_state_dict_is_read_whatever_its_protocol(tmp_path, protocol):
    state = FAMILIES["pggan"]
    bare = load_generator(save(state, tmp_path / "bare.pth"))
    tree = {"G": other(state), "G_ema": state, "mode": Mode.FAST, "fid": np.float64(3)}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(tree, protocol))
    assert same(weights(load_generator(tmp_path / "a.pkl")), weights(bare))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_harmless_values_are_never_made_and_an_export_leaves_them_out(tmp_path, legacy):
    state, path = FAMILIES["dcgan"], tmp_path / "a.pth"
    tree = {"g_ema": state, "mode": Mode.FAST, "log": {"fid": np.float64(3), "epoch": 3}}
    torch.save(tree, path, _use_new_zipfile_serialization=not legacy)
    done = export(path, {"layer1": Scale((0,), (0.0,))}, tmp_path / "out.pth")
    assert done.rest == "changed: g_ema; kept: log; left out: mode, log.fid"
    assert torch.load(tmp_path / "out.pth", weights_only=True)["log"] == {"epoch": 3}


@pytest.mark.parametrize(("family", "key"), [
    ("pggan", "output_8x8.conv.weight"),
    ("stylegan2", "synthesis.b4.torgb.weight"),
    ("unetgan", "output_layer.2.weight"),
])  # fmt: skip
def test_a_generator_of_one_channel_is_one_line(tmp_path, family, key):
    state = FAMILIES[family] | {key: FAMILIES[family][key][:1]}
    with pytest.raises(UserError, match=r"draws 1 channel \(grey\) .*; only RGB is read"):
        load_generator(save(state, tmp_path / "grey.pth"))


@families
def test_weights_of_eight_bits_are_exported_in_our_own_layout(tmp_path, family):
    eight = {key: value.to(torch.float8_e4m3fn) for key, value in FAMILIES[family].items()}
    path = save(eight, tmp_path / "eight.pth")
    done = export(path, {"layer1": Scale((0,), (0.5,))}, tmp_path / "out")
    assert (done.layout, done.largest) == ("artifact-units", 0)
    assert "weights of 8 bits cannot hold a factor" in done.why


@pytest.mark.parametrize("name", sorted(f.name for f in CASES.glob("*")) if CASES.is_dir() else [])
def test_every_wrapped_case_draws_the_image_of_the_bare_file(name):
    family = "stylegan2-nvada-a" if name.startswith("nv_") else "pggan-gandissect-a"
    given = {"conv_clamp": 256} if name.startswith("nv_") else {}
    found = np.load(WHOLE / family / "inputs.npz")["z"]
    wanted = torch.from_numpy(np.load(WHOLE / family / "expected.npz")["image"])
    warnings.simplefilter("ignore")
    if name == "gd_grey.pth":
        with pytest.raises(UserError, match="draws 1 channel"):
            load_generator(CASES / name)
        return
    with torch.inference_mode():
        image = load_generator(CASES / name, **given)(torch.from_numpy(found).flatten(1))
    assert fits(image, wanted) or name == "gd_fp8.pth"
