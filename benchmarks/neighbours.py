"""Realism, precision and recall of features by blocks, beside whole matrices of distances.

``python -m benchmarks.neighbours`` measures as many generations as reals, 2,048 features each. The
whole way is the same arithmetic with every distance in memory at once; torch-fidelity's precision
and recall is given blocks of ours, and all rows at once. Each way is a process of its own, which is
run once and measured alone: one run takes long enough, and no way finds what another one kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import torch
from torch import Tensor
from torch_fidelity.metric_prc import prc_features_to_metric

from artifact_units.computing.devices import prepare
from artifact_units.metrics import precision_recall
from artifact_units.metrics.realism import FLOOR, realism
from benchmarks.common import cpu_seconds, start, with_peak

FEATURES, NEIGHBOURS = 2048, 3
TOLERANCE = 1e-9


def by_blocks(real: Tensor, generated: Tensor) -> Tensor:
    return realism(real, generated, NEIGHBOURS)


def by_matrices(real: Tensor, generated: Tensor) -> Tensor:
    real, generated = real.double(), generated.double()
    balls = torch.cdist(real, real).kthvalue(NEIGHBOURS + 1).values
    kept = balls <= balls.quantile(0.5)
    return (balls[kept] / (torch.cdist(generated, real[kept]) + FLOOR)).amax(dim=1)


def shares_by_blocks(real: Tensor, generated: Tensor) -> Tensor:
    found = precision_recall.measure(real, generated, neighbours=NEIGHBOURS)
    return torch.tensor([found["precision"], found["recall"]], dtype=torch.float64)


def shares_by_matrices(real: Tensor, generated: Tensor) -> Tensor:
    found = prc_features_to_metric(
        generated,
        real,
        prc_neighborhood=NEIGHBOURS,
        prc_batch_size=len(real),
        save_cpu_ram=True,
        verbose=False,
    )
    return torch.tensor([found["precision"], found["recall"]], dtype=torch.float64)


WAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "realism, blocks (ours)": by_blocks,
    "realism, whole matrices": by_matrices,
    "precision and recall, blocks": shares_by_blocks,
    "precision and recall, whole": shares_by_matrices,
}


def measure(way: str, images: int, out: Path) -> None:
    """Run one way here, and save its result, CPU seconds and peak."""
    prepare("cpu", 1)
    stream = torch.Generator().manual_seed(0)
    sets = [torch.randn(images, FEATURES, generator=stream) for _ in range(2)]
    WAYS[way](*(some[:50].clone() for some in sets))  # what is loaded when it is first used
    found: list[Tensor] = []
    run = partial(cpu_seconds, lambda: found.append(WAYS[way](*sets)))
    seconds, peak = with_peak(run)
    said = {"found": found[0].tolist(), "seconds": seconds, "peak": peak}
    out.write_text(json.dumps(said), encoding="utf-8")


def alone(way: str, images: int) -> tuple[Tensor, float, float | None]:
    """Result, CPU seconds and peak bytes of one way in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found"
        words = ["-m", "benchmarks.neighbours", "--way", way, "--images", str(images)]
        subprocess.run([sys.executable, *words, "--out", str(out)], check=True)
        said = json.loads(out.read_text(encoding="utf-8"))
    return torch.tensor(said["found"], dtype=torch.float64), said["seconds"], said["peak"]


def relation(expected: Tensor, found: Tensor) -> str:
    apart = float(((expected - found).abs() / expected.clamp(min=1e-12)).max())
    if apart > TOLERANCE:
        raise click.ClickException(f"results differ by {apart:.1e}")
    return f"differs by {apart:.0e} at most" if apart else "equal"


@click.command()
@click.option("--images", default=10000, help="Reals, and as many generations.")
@click.option("--way", type=click.Choice(list(WAYS)), help="Measure this one here; needs --out.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to save what it found.")
def main(images: int, way: str | None, out: Path | None) -> None:
    """Print what realism, precision and recall cost by blocks and by whole matrices."""
    if way is not None and out is not None:
        return measure(way, images, out)
    start(f"Realism, precision and recall: twice {images} images of {FEATURES} features, 1 run")
    click.echo(f"{'':30} {'cpu s':>8} {'ratio':>6} {'peak MB':>8}  result")
    for ours, whole in zip(*[iter(WAYS)] * 2, strict=True):
        rows = {name: alone(name, images) for name in (ours, whole)}
        for name, (found, seconds, peak) in rows.items():
            said = relation(rows[ours][0], found) if name == whole else ""
            high = "-" if peak is None else f"{peak / 1e6:.0f}"
            ratio = seconds / rows[ours][1]
            click.echo(f"{name:30} {seconds:8.1f} {ratio:6.2f} {high:>8}  {said}")
    return None


if __name__ == "__main__":
    main()
