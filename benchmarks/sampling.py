"""Images per CPU-second of each family, at the widths of the public checkpoints.

``python -m benchmarks.sampling`` prints, for each network, what we make, what its public
implementation makes, and the ratio; then the same in bfloat16 and with weights that lie channels
last, and what that changes in the pixels. The peers' figures are of their own code (CPU, float32,
batch 8, one thread, no gradient), per CPU-second because the machine was shared. Weights are
random: speed does not depend on them. With a GPU there, images per second on it follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import click
import torch

from artifact_units.computing.devices import prepare
from artifact_units.generators import as_generator
from artifact_units.generators.biggan import BigGAN
from artifact_units.generators.foreign import with_class
from artifact_units.generators.pggan import PGGAN
from artifact_units.generators.stylegan2 import StyleGAN2
from artifact_units.layers.generator import Generator
from artifact_units.layers.placing import effect, placed
from benchmarks.common import cpuinfo, processor

BATCH = 8
WAYS = (("float32", False), ("bfloat16", False), ("float32", True), ("bfloat16", True))
WIDTHS = (512, 512, 512, 512, 512, 512, 256, 256, 128, 128)

RGBS = {"rgb", *(f"rgb{4 * 2**i}" for i in range(9))}  # the modules that give colours

# name -> (network, the peer's images per CPU-second, the peer)
NETWORKS: dict[str, tuple[Callable[[], torch.nn.Module], float, str]] = {
    "PGGAN, 64 px": (lambda: PGGAN(512, WIDTHS), 8.0, "GAN Dissection"),
    "StyleGAN2 config F, 64 px": (lambda: StyleGAN2(512, [512] * 9, [512] * 10), 1.8, "NVIDIA"),
    "BigGAN ch 64, 64 px": (
        lambda: BigGAN(100, [1024, 1024, 512, 256, 128], "shared", 1000, 128, 20, attention=[4]),
        4.4,
        "ajbrock",
    ),
    "U-Net GAN ch 64, 128 px": (
        lambda: BigGAN(128, [1024, 1024, 512, 256, 128, 64], "latent"),
        3.4,
        "boschresearch",
    ),
}


def built(make: Callable[[], torch.nn.Module]) -> Generator:
    """A generator with random weights of unit gain, whose images fill the signed range."""
    torch.manual_seed(0)
    network = make()
    for name, tensor in network.state_dict().items():
        if name.endswith("style.bias"):
            tensor.fill_(1)
        elif tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    generator = as_generator(network)
    generator = with_class(generator, 0) if generator.classes else generator
    rgbs = [module for name, module in network.named_children() if name in RGBS]
    seen: list[torch.Tensor] = []
    hooks = [m.register_forward_hook(lambda *hook: seen.append(hook[2].std())) for m in rgbs]
    generator(torch.randn(BATCH, generator.latent_dim))
    for module, hook in zip(rgbs, hooks, strict=True):
        hook.remove()
        module.get_parameter("weight").div_(2 * torch.stack(seen).square().sum().sqrt())
    return generator


@torch.inference_mode()
def rates(
    generators: Sequence[Generator], device: str, clock: Callable[[], float], rounds: int
) -> list[float]:
    """Images per second of ``clock``, by turns: the median of ``rounds`` batches, after one."""
    spent: list[list[float]] = [[] for _ in generators]
    for _ in range(rounds + 1):
        for generator, times in zip(generators, spent, strict=True):
            latents = torch.randn(BATCH, generator.latent_dim, device=device)
            start = clock()
            generator(latents)
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(clock() - start)
    return [BATCH / median(times[1:]) for times in spent]


def compared(make: Callable[[], torch.nn.Module], device: str, rounds: int) -> list[str]:
    """For each of WAYS: images a second, and what the way changes in the pixels."""
    place = torch.device(device)
    generators = [placed(built(make), place, *way) for way in WAYS]
    clock = time.process_time if device == "cpu" else time.perf_counter
    made = rates(generators, device, clock, rounds)
    return [
        f"{r:.1f}{effect(g, range(BATCH), BATCH)}" for r, g in zip(made, generators, strict=True)
    ]


@click.command()
@click.option("--rounds", default=3, help="Batches timed; the median counts.")
@click.option("--only", default="", help="Part of a network's name.")
def main(rounds: int, only: str) -> None:
    """Print images per CPU-second of each family beside its public implementation."""
    prepare("cpu", 1)
    gpu = torch.cuda.is_available()
    bf16 = any("avx512_bf16" in line or "amx_bf16" in line for line in cpuinfo())
    has = f"{'with' if bf16 else 'without'} bf16 instructions"
    click.echo(f"{processor()}, {has}, torch {torch.__version__}, batch {BATCH}, 1 thread")
    click.echo(f"GPU: {torch.cuda.get_device_name() if gpu else 'none here'}")
    for name, (make, peer, who) in NETWORKS.items():
        if only not in name:
            continue
        usual, *others = compared(make, "cpu", rounds)
        ratio = float(usual) / peer
        click.echo(f"{name}: {usual} images per CPU-second; {who} {peer}; ratio {ratio:.2f}")
        for line in others:
            click.echo(f"  {line}")
        for line in compared(make, "cuda", 20) if gpu else ():
            click.echo(f"  GPU, images per second: {line}")


if __name__ == "__main__":
    main()
