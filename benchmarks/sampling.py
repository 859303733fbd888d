"""Images per CPU-second of each family, at the widths of the public checkpoints.

``python -m benchmarks.sampling`` prints one line a network: what we make, what its public
implementation makes, and the ratio. The peers' figures are of their own code (CPU, float32, batch
8, one thread, no gradient), per CPU-second because the machine was shared. Weights are random:
speed does not depend on them. With a GPU there, images per second on it follow.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from statistics import median

import click
import torch

from artifact_units.compute import prepare
from artifact_units.generator import Generator
from artifact_units.generators import as_generator
from artifact_units.generators.biggan import BigGAN
from artifact_units.generators.pggan import PGGAN
from artifact_units.generators.stylegan2 import StyleGAN2

BATCH = 8
WIDTHS = (512, 512, 512, 512, 512, 512, 256, 256, 128, 128)

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
    """A generator with small random weights."""
    torch.manual_seed(0)
    network = make()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not name.endswith(("var", "slope")):
            tensor.normal_(0, 0.02)
    return as_generator(network)


@torch.inference_mode()
def rate(generator: Generator, device: str, clock: Callable[[], float], rounds: int) -> float:
    """Images per second of ``clock``: the median of ``rounds`` batches, after one to warm up."""
    latents = torch.randn(BATCH, generator.latent_dim, device=device)
    classes = torch.zeros(BATCH, dtype=torch.int64, device=device) if generator.classes else None
    spent = []
    for _ in range(rounds + 1):
        start = clock()
        generator(latents, classes)
        if device == "cuda":
            torch.cuda.synchronize()
        spent.append(clock() - start)
    return BATCH / median(spent[1:])


@click.command()
@click.option("--rounds", default=7, help="Batches timed; the median counts.")
@click.option("--only", default="", help="Part of a network's name.")
def main(rounds: int, only: str) -> None:
    """Print images per CPU-second of each family beside its public implementation."""
    prepare("cpu", 1)
    click.echo(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 1 thread")
    for name, (make, peer, who) in NETWORKS.items():
        if only not in name:
            continue
        generator = built(make)
        ours = rate(generator, "cpu", time.process_time, rounds)
        line = f"{name}: {ours:.1f} images per CPU-second; {who} {peer}; ratio {ours / peer:.2f}"
        if torch.cuda.is_available():
            on_gpu = rate(generator.to(torch.device("cuda")), "cuda", time.perf_counter, 20)
            line += f"; {on_gpu:.0f} images per second on {torch.cuda.get_device_name()}"
        click.echo(line)


if __name__ == "__main__":
    main()
