"""Standing statistics are averages of what each batch norm meets, in the checkpoint's own form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from parity.cases import FOLDER
from small_generator import smaller_generator

from artifact_units.errors import UserError
from artifact_units.generators import load_generator, save_generator
from artifact_units.generators.standing import accumulate

DATA = Path(__file__).parents[2] / "parity" / "data"
FILES = ("biggan-ajbrock-a/G_ema_best0.pth", "unetgan-a/G_ema_ep_82.pth")
SOURCES = [FOLDER / file for file in FILES if (FOLDER / file).exists()]
CPU = torch.device("cpu")


def accumulated(source: Path, out: Path, batches: int) -> dict[str, torch.Tensor]:
    accumulate(source, out, batches=batches, batch=6, seed=3, device=CPU)
    return torch.load(out, weights_only=True)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parent.name)
def test_of_one_batch_they_are_what_each_norm_meets_when_it_is_drawn_again(
    source, tmp_path
) -> None:
    accumulate(source, tmp_path / "out.pth", batches=1, batch=6, seed=3, device=CPU)
    generator = load_generator(tmp_path / "out.pth")
    network = generator.network
    met: dict[str, torch.Tensor] = {}

    def meeting(name: str):
        return lambda _module, inputs: met.__setitem__(name, inputs[0])

    for name in ("layer1.block.bn1", "layer2.block.bn2", "bn"):
        network.get_submodule(name).register_forward_pre_hook(meeting(name))
    stream = torch.Generator().manual_seed(3)
    latents = torch.randn(6, generator.latent_dim, generator=stream)
    classes = torch.randint(max(generator.classes, 1), (6,), generator=stream)
    with torch.inference_mode():
        generator(latents, classes if generator.classes else None)
    kept = network.state_dict()
    for name, x in met.items():
        mean = kept[f"{name}.running_mean" if name == "bn" else f"{name}.mean"]
        var = kept[f"{name}.running_var" if name == "bn" else f"{name}.var"]
        assert torch.allclose(mean, x.mean((0, 2, 3)), atol=1e-4)
        assert torch.allclose(var, x.var((0, 2, 3), correction=0), rtol=1e-3, atol=1e-5)


def test_only_statistics_and_the_vectors_of_the_spectral_norm_change(tmp_path) -> None:
    source = DATA / "biggan-ajbrock-a" / "G_ema_best0.pth"
    before, after = torch.load(source, weights_only=True), accumulated(source, tmp_path / "o", 2)
    assert list(before) == list(after)
    changed = {key.rpartition(".")[2] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"stored_mean", "stored_var", "u0"}


def test_the_same_seed_writes_the_same_bytes(tmp_path) -> None:
    source = DATA / "biggan-ajbrock-a" / "G_ema_best0.pth"
    for name in "ab":
        accumulated(source, tmp_path / name, 2)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_layout_without_running_statistics_is_told_so(tmp_path) -> None:
    source = DATA / "pggan-gandissect-a" / "checkpoint.pth"
    with pytest.raises(UserError, match="pggan-gandissect has no running statistics"):
        accumulate(source, tmp_path / "out", batches=1, batch=2, seed=0, device=CPU)
    assert not (tmp_path / "out").exists()


def test_a_file_of_our_own_is_told_as_what_it_is(tmp_path) -> None:
    source = tmp_path / "g.safetensors"
    save_generator(source, smaller_generator())
    with pytest.raises(UserError, match="a pggan of our own layout; give the checkpoint that"):
        accumulate(source, tmp_path / "out", batches=1, batch=2, seed=0, device=CPU)


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        ("blocks.0.0.conv1.weight", None, "blocks.0.0.conv1.weight is missing"),
        ("blocks.0.0.conv1.u0", torch.ones(3), r"conv1.u0 is \[3\]; \[1, 16\] fits the others"),
        ("blocks.0.0.conv1.sv0", "x", "conv1.sv0 is a str, not a tensor"),
    ],
)
def test_what_is_wrong_with_the_checkpoint_is_named(tmp_path, key, change, said) -> None:
    tree = torch.load(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth", weights_only=True)
    assert key in tree
    tree[key] = change
    torch.save({k: v for k, v in tree.items() if v is not None}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=said):
        accumulate(tmp_path / "x.pth", tmp_path / "out", batches=1, batch=2, seed=0, device=CPU)
