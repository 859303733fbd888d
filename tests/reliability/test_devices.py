"""What is computed on a GPU: the CPU's values, no mix of devices, no wait that grows with batches.

The GPU is simulated (``simulated_gpu.py``): the same sums on both sides, so equal means equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from parity.cases import Case
from simulated_gpu import GPU, SimulatedGpu, simulated_gpu
from small_generator import small_generator, smaller_generator
from small_known import IDS, write_known
from torch import Tensor

from artifact_units import registry
from artifact_units.classifier.examples import Examples
from artifact_units.classifier.heatmaps import HeatmapSet
from artifact_units.classifier.masking import heatmaps_of
from artifact_units.classifier.masks import MasksOnDemand
from artifact_units.classifier.network import (
    STAGES,
    Classifier,
    load_classifier,
    new_classifier,
    save_classifier,
)
from artifact_units.classifier.training import fit, predict
from artifact_units.computing import gpu_kernels, stored
from artifact_units.corrections import sources as labelled
from artifact_units.corrections.correction import Correction, artifact_probability, corrected
from artifact_units.corrections.judge import Judge
from artifact_units.extractors import scene
from artifact_units.files.manifests import noting
from artifact_units.files.tables import read_table
from artifact_units.generators import foreign, standing
from artifact_units.images.extraction import feature_parts
from artifact_units.images.features import FeatureSet
from artifact_units.images.image_sets import ImageSet, open_images, write_images
from artifact_units.layers import placing
from artifact_units.layers.edits import KINDS, Calm, Clip, Scale, Shrink, Silence
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited
from artifact_units.maskers import grad_cam
from artifact_units.units import overlap
from artifact_units.units.collection import featuremap_parts
from artifact_units.units.evidence import Evidence
from artifact_units.units.sources import Sources
from artifact_units.units.survey import survey_parts, write_survey
from artifact_units.units.tallies import tallied

CPU = torch.device("cpu")
DATA = Path(__file__).parents[1] / "parity" / "data"
CASES = [Case(path) for path in sorted(DATA.glob("*/*")) if path.suffix[:2] in (".p", ".b")]
STREAM = np.random.RandomState(0)
PIXELS = torch.from_numpy(STREAM.randint(0, 256, (16, 3, 16, 16), np.uint8))
HEATMAPS = torch.from_numpy(STREAM.rand(16, 2, 2).astype(np.float32))
VALUES = torch.from_numpy(STREAM.rand(16, 2).astype(np.float32))
FEATURES = FeatureSet(Path(), "none", np.arange(16), np.zeros(16, np.int16), VALUES)
SPLITS = np.array(["train"] * 9 + ["validation"] * 3 + ["test"] * 4)
EXAMPLES = Examples(PIXELS, torch.arange(16) % 3, SPLITS)
FIT: dict[str, Any] = {"frozen": False, "epochs": 2, "minibatch": 3, "rate": 0.01, "seed": 0}
OPTIONS = {"layer": "layer2", "stop": 3, "n": 2, "scale": 0.5, "top": 0.3125}  # for who takes them
EDITS: dict[str, Callable[..., Any]] = {  # for a layer of so many units, rows and columns
    "scale": lambda *_: Scale((1, 0), (0.0, 0.5)),
    "clip": lambda *_: Clip((1,), (-0.1,), (0.1,)),
    "shrink": lambda *_: Shrink((0, 1), (0.5, 0.0), (1.0, -1.0)),
    "calm": lambda units, *_: Calm((0.1,) * units, (0.01,) * units, 0.5, 0.01),
    "silence": lambda *shape: Silence.of(np.indices(shape).sum(0) % 2 == 0),
}


@pytest.fixture
def gpu() -> Iterator[SimulatedGpu]:
    with simulated_gpu() as found:
        yield found


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Path:
    """What correcting reads (``small_known.py``), and images."""
    folder = tmp_path_factory.mktemp("known")
    write_known(folder)
    write_images(folder / "images", range(16), iter([PIXELS]))
    torch.manual_seed(0)
    scene.save_encoder(folder / "encoder", scene.SceneEncoder(5))
    return folder


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """Featuremaps, histograms and maxima of 16 generations; a layer of three units."""
    folder, generator = tmp_path_factory.mktemp("collected"), small_generator([3, 2], 0.3)
    layers, ids = generator.layers[:1], np.arange(16)
    (folder / "featuremaps").mkdir()
    featuremap_parts(generator, layers, ids, 16)[0].write(folder / "featuremaps/00000.safetensors")
    survey_parts(generator, layers, ids, 16)[0].write(folder / "part")
    write_survey(folder, layers, ids, [folder / "part"])
    return folder


def on_both(make: Callable[[torch.device], Any]) -> tuple[Any, Any]:
    return make(CPU), make(GPU)


def options_of(method: Callable[..., Any]) -> dict[str, Any]:
    return {k: v for k, v in OPTIONS.items() if k in registry.options(method)}


def placed(device: torch.device, channels_last: bool = False) -> Generator:
    return placing.placed(smaller_generator(), device, "float32", channels_last)


def sampled(device: torch.device, images: int, channels_last: bool = False) -> Tensor:
    return torch.cat(list(placing.sample(placed(device, channels_last), range(images), 2)))


def collect(folder: Path, device: torch.device, images: int) -> bytes:
    generator = placed(device)
    layers, path = generator.layers[:3], folder / device.type
    featuremap_parts(generator, layers, np.arange(images), 2)[0].write(path)
    return path.read_bytes()


def survey(folder: Path, device: torch.device, images: int) -> bytes:
    generator = placed(device)
    layers, path = generator.layers[:3], folder / device.type
    survey_parts(generator, layers, range(images), 2)[0].write(path)
    return path.read_bytes()


def evidence(collected: Path, device: torch.device) -> Evidence:
    """As ``sources`` has it: nothing is read or made before it is looked at."""
    sources = Sources(
        folder=collected,
        histograms=read_table(collected / "histograms.parquet", "histograms"),
        maxima=read_table(collected / "maxima.parquet", "maxima"),
        ids=np.arange(16),
        artifact=np.arange(16) % 3 > 0,
        masks=MasksOnDemand.of(HEATMAPS, 0.6, 5, device),
        unlabelled=FEATURES,
        reals=FEATURES,
        device=device,
    )
    return sources.evidence("layer1", quantile=0.7, seed=0)


def counted(collected: Path, device: torch.device, images: int) -> list[Tensor]:
    given = evidence(collected, device)
    maps, masks = given.featuremaps[:images], given.masks[:images]
    found = overlap.overlap_of(maps, given.thresholds, masks)
    return [found.intersection, found.on, found.mask]


def correction_by(name: str, known: Path) -> Correction:
    read = {k: known / k for k in ("scores", "featuremaps", "labels", "heatmaps")}
    evidence, *_ = labelled.open_evidence(
        read.pop("scores") / "fixed.parquet", smaller_generator, **read
    )
    return labelled.correction_of(name, options_of(registry.take("correctors", name)), evidence)


def corrections(known: Path, correction: Correction, device: torch.device, images: int) -> Tensor:
    classify = load_classifier(known / "classifier").to(device)
    given = {"correction": correction, "classify": classify}
    return torch.cat(list(corrected(placed(device), IDS[0] + range(images), 2, **given)))


def edits_of(generator: Generator, kinds: list[str]) -> dict[str, Any]:
    return {
        a.name: EDITS[kind](a.units, a.height, a.width)
        for a, kind in zip(generator.layers, kinds * len(generator.layers), strict=False)
    }


def features(known: Path, device: torch.device, images: int) -> bytes:
    extractor = scene.load(known / "encoder", device)
    (part,) = feature_parts("f", extractor, [open_images(known / "images")], 2, images)
    part.write(known / "features")
    return (known / "features").read_bytes()


def seen(classifier: Classifier, images: ImageSet, stage: Any) -> HeatmapSet:
    mask = partial(grad_cam.mask, stage=stage, target="contrast")
    return heatmaps_of(mask, classifier, images, 2, asked=images.ids, folder=Path())


def heatmaps(known: Path, device: torch.device, images: int) -> HeatmapSet:
    folder = known / f"{images} images"
    write_images(folder, range(images), iter([PIXELS[:images]]))
    classifier = load_classifier(known / "classifier").to(device)
    return seen(classifier, open_images(folder), "layer3")


def predicted(known: Path, device: torch.device, images: int) -> Tensor:
    classifier = load_classifier(known / "classifier").to(device)
    return predict(classifier, EXAMPLES, torch.arange(images), 2)


def learnt(device: torch.device, images: int) -> list:
    splits = np.array(["train"] * images + ["validation"] * (18 - images))
    examples = Examples(torch.cat([PIXELS, PIXELS[:2]]), torch.arange(18) % 3, splits)
    classifier = new_classifier("resnet18_narrow", 16, 0).to(device)
    once: dict[str, Any] = {**FIT, "epochs": 1, "minibatch": 2}
    return fit(classifier, examples, **once)


@pytest.mark.parametrize("channels_last", [False, True])
def test_generations_are_those_of_the_cpu(gpu, channels_last) -> None:
    here, there = on_both(lambda device: sampled(device, 7, channels_last))
    assert torch.equal(here, there)
    here, there = on_both(lambda device: placing.effect(placed(device, channels_last), range(3), 8))
    assert here == there


@pytest.mark.parametrize("write", [collect, survey])
def test_featuremaps_and_survey_are_written_as_on_the_cpu(gpu, write, tmp_path) -> None:
    here, there = on_both(lambda device: write(tmp_path, device, 5))
    assert here == there


@pytest.mark.parametrize("way", ["kernel", "tensors"])
def test_pixels_and_values_are_counted_alike_either_way(gpu, way, collected, monkeypatch) -> None:
    if way == "tensors":
        monkeypatch.setattr(gpu_kernels, "_launch", None)
    with noting() as notes:
        here, there = on_both(lambda device: counted(collected, device, 16))
        values, same = on_both(lambda device: tallied(evidence(collected, device).featuremaps))
    assert bool(notes) == (way == "tensors")
    assert all(map(torch.equal, here, there))
    assert torch.equal(values.counts, same.counts.cpu())


@pytest.mark.parametrize("name", registry.names("rankings"))
def test_a_ranking_scores_the_same(gpu, name, collected) -> None:
    score = registry.take("rankings", name)
    here, there = on_both(lambda device: score(evidence(collected, device), **options_of(score)))
    assert len(set(here.score)) > 1
    assert np.array_equal(here.score, there.score)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("name", registry.names("correctors"))
def test_a_corrector_makes_the_same_images_of_the_same_generations(gpu, name, gated, known) -> None:
    correction = correction_by(name, known)
    if gated:  # as many are corrected as are not
        images = corrections(known, Correction(), CPU, 8)
        likely = artifact_probability(load_classifier(known / "classifier"), images)
        correction = replace(correction, gate=float(likely.median()))
    here, there = on_both(lambda device: corrections(known, correction, device, 8))
    assert torch.equal(here, there)


def test_a_correction_costs_the_same(gpu, known) -> None:
    def tried(device: torch.device) -> list[float]:
        classify = load_classifier(known / "classifier").to(device)
        ids = np.array([8, 10]), np.array([9, 11])
        judge = Judge(placed(device), classify, *ids, batch=2, harm=10.0)
        found = judge.judged(correction_by("clip", known))
        return [*found.artifacts, *found.normals, *found.change, found.cost]

    here, there = on_both(tried)
    assert here == there


@pytest.mark.parametrize("stage", STAGES)
def test_grad_cam_looks_at_the_same_places(gpu, stage, known) -> None:
    def look(device: torch.device) -> HeatmapSet:
        classifier = load_classifier(known / "classifier").to(device)
        return seen(classifier, open_images(known / "images"), stage)

    here, there = on_both(look)
    assert torch.equal(here.logits, there.logits)
    assert torch.equal(here.heatmaps, there.heatmaps)


def test_a_classifier_learns_and_says_the_same(gpu, tmp_path) -> None:
    def trained(device: torch.device) -> tuple[list, bytes, list]:
        classifier = new_classifier("resnet18_narrow", 16, 0).to(device)
        curve = fit(classifier, EXAMPLES, **FIT)
        save_classifier(tmp_path / "classifier", classifier)
        said = predict(classifier, EXAMPLES, EXAMPLES.rows("test"), 3)
        return curve, (tmp_path / "classifier").read_bytes(), said.tolist()

    here, there = on_both(trained)
    assert here == there


def test_features_are_the_same(gpu, known) -> None:
    here, there = on_both(lambda device: features(known, device, 7))
    assert here == there


@pytest.mark.parametrize("kind", ["", *KINDS])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_network_makes_the_same_images_plain_and_edited(gpu, case, kind) -> None:
    latents, given = case.inputs()

    def images(device: torch.device) -> Tensor:
        generator = case.load().to(device)
        here: dict[str, Any] = {
            k: v.to(device) if isinstance(v, Tensor) else v for k, v in given.items()
        }
        if kind and generator.classes:
            generator, _ = foreign.with_class(generator, 1), here.pop("classes")
        with torch.inference_mode(), edited(generator, edits_of(generator, [kind] if kind else [])):
            return generator(latents.to(device), **here).cpu()

    here, there = on_both(images)
    assert torch.equal(here, there)


def test_standing_statistics_are_the_same(gpu, tmp_path) -> None:
    source, out = DATA / "biggan-ajbrock-a" / "G_ema_best0.pth", tmp_path / "out.pth"

    def accumulated(device: torch.device) -> bytes:
        standing.accumulate(source, out, batches=2, batch=3, seed=0, device=device)
        return out.read_bytes()

    here, there = on_both(accumulated)
    assert here == there


def waits(gpu: SimulatedGpu, work: Callable[..., object], *given: Any) -> list[str]:
    """What the host waits for with 8 batches of 2 and not with 2: nothing that is done once."""
    found = []
    for images in (2, 4, 16):  # the first: what is kept from then on
        gpu.waits.clear()
        work(*given, GPU, images)
        found.append(list(gpu.waits))
    return found[2][len(found[1]) :]


def test_eight_batches_are_waited_for_no_more_often_than_two(
    gpu, known, collected, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(overlap, "ON_GPU", 2 * 3 * 5 * 5)  # images at once: two
    correction = Correction(edits_of(smaller_generator(), list(EDITS)))
    assert waits(gpu, sampled) == []
    assert waits(gpu, collect, tmp_path) == []
    assert waits(gpu, survey, tmp_path) == []
    assert waits(gpu, counted, collected) == []
    assert waits(gpu, features, known) == []
    assert waits(gpu, corrections, known, correction) == []
    assert waits(gpu, heatmaps, known) == []
    assert waits(gpu, predicted, known) == []
    assert waits(gpu, learnt) == []


@pytest.mark.parametrize("name", registry.names("rankings"))
def test_eight_parts_of_a_ranking_are_waited_for_no_more_often_than_two(
    gpu, name, collected, monkeypatch
) -> None:
    score = registry.take("rankings", name)

    def scored(device: torch.device, parts: int) -> None:
        monkeypatch.setattr(stored, "VALUES", 16 * 48 * 2 // parts)  # 16 images of 48 values
        score(evidence(collected, device), **options_of(score))

    assert waits(gpu, scored) == []


def test_a_gate_waits_for_every_batch(gpu, known) -> None:
    assert len(waits(gpu, corrections, known, Correction(gate=0.99))) >= 6


def test_what_a_gpu_refuses_is_refused(gpu) -> None:
    here, there = torch.zeros(2), torch.zeros(2).to(GPU)
    for mixed in (
        lambda: here + there,
        lambda: torch.cat([here, there]),
        lambda: here[there.long()],
        lambda: there.index_add_(0, torch.tensor([0]), there[:1]),
        lambda: gpu_kernels.add_patterns(here[None, None].short(), there[None].int()),
    ):
        with pytest.raises((RuntimeError, ValueError), match=r"device|cpu"):
            mixed()
    with pytest.raises(TypeError, match="numpy"):
        np.asarray(there)
    assert (there + torch.tensor(1))[torch.tensor([1])].device == GPU


def test_a_copy_is_not_there_before_it_is_waited_for(gpu) -> None:
    values, stream, done = torch.ones(2).to(GPU), gpu.streams.Stream(), gpu.streams.Event()
    with pytest.raises(RuntimeError, match="nobody can wait for"):
        values.to("cpu", non_blocking=True)
    stream.wait_stream(gpu.streams.current_stream())
    with gpu.streams.stream(stream):
        copy = values.to("cpu", non_blocking=True)
        done.record(stream)
    assert copy.tolist() == [0, 0]
    done.synchronize()
    assert copy.tolist() == [1, 1]
