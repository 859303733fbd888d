"""How much higher the readers of images peak with four times the images; one process for all.

Prints JSON: ``{reader: MB}``. The peak is counted anew before each (Linux's ``clear_refs``).
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from artifact_units import registry
from artifact_units.classifier.masking import MaskerEvidence, heatmaps_of
from artifact_units.classifier.masks import MasksOnDemand
from artifact_units.classifier.network import new_classifier
from artifact_units.computing.devices import prepare
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.images.extraction import write_features
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.images.real_images import write_reals
from artifact_units.layers.generator import Layer
from artifact_units.metrics import kernel, precision_recall, realism
from artifact_units.units import survey
from artifact_units.units.evidence import Evidence, RankedLayer
from artifact_units.units.featuremaps import open_featuremaps
from artifact_units.units.histograms import PATTERNS
from demo.domain.annotator import compared

CPU = torch.device("cpu")
NETWORK = "resnet18_narrow"
PX, UNITS, GRID = 64, 16, 32
FEW, MANY = 2000, 8000  # images, of 12 kB; more than a shard
REPEATS = 3
FEW_PARTS = 3  # of a survey, of 4 MB
FEW_FEATURES = 1000  # rows of 64
FEW_MAPS, MANY_MAPS = 400, 1600  # generations, of 33 kB a layer; their masks 16 kB
RANKINGS = ("defective_score", "contrast", "activation_difference", "range_excess")
OTHERS = ("local_activation", "rare_neurons")
CORRECTORS = ("clip", "shrink", "rare_neurons", "feature_proliferation")


def images(place: Path, number: int) -> Path:
    """An image set of noise."""
    folder = place / f"images{number}"
    if not folder.exists():
        size = (1000, 3, PX, PX)
        noise = (torch.randint(0, 256, size, dtype=torch.uint8) for _ in range(number // 1000))
        write_images(folder, range(number), noise)
    return folder


def maps(place: Path, number: int) -> Path:
    """Featuremaps of noise."""
    folder = place / f"maps{number}"
    if not folder.exists():
        folder.mkdir()
        for shard in range(number // 200):
            some = torch.randn(200, UNITS, GRID, GRID).half()
            save_file({"layer1": some}, folder / f"{shard:05d}.safetensors")
    return folder


def evidence(folder: Path, number: int) -> Evidence:
    heatmaps = torch.rand(number, 8, 8, generator=torch.Generator().manual_seed(0))
    return Evidence(
        layer="layer1",
        ids=np.arange(number),
        artifact=np.arange(number) % 2 == 0,
        featuremaps=open_featuremaps(folder, "layer1", CPU),
        masks=MasksOnDemand.of(heatmaps, 0.6, 128, CPU),
        thresholds=torch.full((UNITS,), 1.5),
        maxima=torch.zeros(0, UNITS),
        unlabelled=torch.zeros(0, 2),
        reals=torch.zeros(0, 2),
        seed=0,
        repeat=0,
    )


def ranked(name: str, place: Path, times: int) -> None:
    number = FEW_MAPS * times
    registry.take("rankings", name)(evidence(maps(place, number), number))


def corrected(name: str, place: Path, times: int) -> None:
    number, score = FEW_MAPS * times, np.zeros(UNITS)
    folder = maps(place, number)
    known = CorrectionEvidence(
        ranked={"layer1": RankedLayer("layer1", score, np.arange(UNITS))},
        repeat=0,
        labels={i: ("artifact", "normal")[i % 2] for i in range(number)},
        probability={},
        collected=np.arange(number),
        featuremaps=lambda layer: open_featuremaps(folder, layer, CPU),
        latents=lambda ids: torch.zeros(len(ids), 2),
    )
    corrector = registry.take("correctors", name)
    takes = {"stop": 1} | ({"n": 3} if "n" in registry.options(corrector) else {})
    corrector(known, **takes)


def masked(place: Path, times: int) -> None:
    def mask(seen: MaskerEvidence) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(seen.ids), 3), seen.images[:, 0, ::8, ::8].float()

    found, classifier = open_images(images(place, FEW * times)), new_classifier(NETWORK, PX, 0)
    heatmaps_of(mask, classifier, found, 100, asked=found.ids, folder=place)


def extracted(place: Path, times: int) -> None:
    means = Extractor("means", 3, lambda pixels: pixels.float().mean((2, 3)))
    write_features(place / "features", means, [open_images(images(place, FEW * times))], 100)


def read(place: Path, times: int) -> None:
    write_reals(place / f"reals{times}", images(place, FEW * times), PX, "centre", 10**6)


def annotated(place: Path, times: int) -> None:
    broken = open_images(images(place, FEW * times))
    compared(broken, broken.batches(100), mask_difference=0.1, area=0.1)


def surveyed(place: Path, times: int) -> None:
    # Parts of a survey in which every unit had 30,000 values, each once.
    places = torch.cat([torch.arange(30_000) + unit * PATTERNS for unit in range(UNITS)]).int()
    part = {"places": places, "counts": torch.ones_like(places), "maxima": torch.zeros(5, UNITS)}
    paths = [place / f"survey{number}.safetensors" for number in range(FEW_PARTS * times)]
    for path in paths:
        save_file({f"layer1/{name}": value for name, value in part.items()}, path)
    survey.merged(paths, [Layer("layer1", "layer1", UNITS, GRID, GRID)])


def measured(place: Path, times: int) -> None:
    stream = torch.Generator().manual_seed(0)
    real, generated = (torch.randn(FEW_FEATURES * times, 64, generator=stream) for _ in range(2))
    counts = np.ones((2, FEW_FEATURES * times), np.int64)
    kernel.resample(real, generated, counts)
    for metric in (precision_recall, realism):
        metric.measure(real, generated, neighbours=3)
        metric.resample(real, generated, counts, neighbours=3)


def peak(work: Callable[[], None]) -> float:
    """MB that this process holds at most meanwhile."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    work()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(place: Path) -> None:
    prepare("cpu", 1)
    readers: dict[str, Callable[[Path, int], None]] = {
        "compute_masks": masked,
        "extract_features": extracted,
        "read_reals": read,
        "annotate_generations": annotated,
        "collect_featuremaps": surveyed,
        "evaluate_generations": measured,
    }
    readers |= {f"ranking {name}": partial(ranked, name) for name in RANKINGS + OTHERS}
    readers |= {f"corrector {name}": partial(corrected, name) for name in CORRECTORS}
    for number in (FEW, MANY):
        images(place, number)
    for number in (FEW_MAPS, MANY_MAPS):
        maps(place, number)
    found = {}
    for name, reader in readers.items():
        reader(place, 1)  # what is loaded or compiled when it is first used
        # The least of some: an allocator may keep for a while what was freed.
        few, many = (
            min(peak(partial(reader, place, times)) for _ in range(REPEATS)) for times in (1, 4)
        )
        found[name] = many - few
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
