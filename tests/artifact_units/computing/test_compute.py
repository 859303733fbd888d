from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_generator import small_generator
from small_masking import heatmaps_by

from artifact_units.computing import batches, devices
from artifact_units.corrections.correction import Correction, corrected
from artifact_units.errors import UserError
from artifact_units.files.manifests import noting
from artifact_units.generators import load_generator, save_generator
from artifact_units.images.extraction import write_features
from artifact_units.images.features import Extractor, read_features
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.layers import placing
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import edited, featuremaps_of, recorded
from artifact_units.units import collection, overlap
from artifact_units.units.survey import survey_parts

CPU = torch.device("cpu")


def small():
    return small_generator([6, 6, 4, 4], deviation=0.3)


def pixels(generator) -> torch.Tensor:
    return torch.cat(list(placing.sample(generator, range(7), 7)))


def test_a_generation_is_the_same_image_in_any_batch() -> None:
    generator = small()
    whole = pixels(generator)
    for batch in (1, 3):
        assert torch.equal(torch.cat(list(placing.sample(generator, range(7), batch))), whole)
    assert torch.equal(next(iter(placing.sample(generator, [5], 1))), whole[[5]])


def test_a_saved_generator_makes_the_same_images_and_the_same_file(tmp_path) -> None:
    generator = small()
    for name in "ab":
        save_generator(tmp_path / name, generator)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = load_generator(tmp_path / "a")
    assert [layer.name for layer in again.layers] == ["layer1", "layer2", "layer3", "layer4"]
    latents = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again(latents), generator(latents))


def test_by_default_nothing_changes_and_nothing_is_said() -> None:
    plain = small()
    placed = placing.placed(small(), CPU, "float32", False)
    assert torch.equal(pixels(placed), pixels(plain))
    assert placing.effect(placed, range(7), 8) == ""


def test_bfloat16_is_what_the_layers_compute_in_and_float32_what_they_are_read_and_edited_in() -> (
    None
):
    generator = placing.placed(small(), CPU, "bfloat16", False)
    latents = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    inside, given = [], []
    generator.module("layer3").register_forward_hook(lambda *hook: inside.append(hook[2].dtype))

    def halved(maps):
        given.append(maps.dtype)
        return Scale((1,), (0.5,))(maps)

    with recorded(generator, ["layer3"]) as maps:
        image = generator(latents)
    with edited(generator, {"layer3": halved}), recorded(generator, ["layer3"]) as changed:
        generator(latents)
    assert (set(inside), given) == ({torch.bfloat16}, [torch.float32])
    assert (image.dtype, maps["layer3"].dtype) == (torch.float32, torch.float32)
    assert torch.equal(changed["layer3"][:, 1], maps["layer3"][:, 1] / 2)
    assert torch.equal(maps["layer3"], maps["layer3"].bfloat16().float())  # 8 bits: none were added
    assert featuremaps_of(generator, latents, ["layer2"])["layer2"].dtype == torch.float32


def test_the_effect_on_the_pixels_is_measured_and_said() -> None:
    exact = pixels(small())
    generator = placing.placed(small(), CPU, "bfloat16", False)
    gap = (pixels(generator).int() - exact.int()).abs()
    assert gap.max() > 0
    said = placing.effect(generator, range(7), 8)
    assert said.startswith(f"; bfloat16 changes {(gap > 0).sum() / gap.numel():.2%} of the uint8")
    assert said.endswith(f"by at most {gap.max()}")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_channels_last_is_said_and_stays_after_it_was_measured(precision) -> None:
    generator = placing.placed(small(), CPU, precision, True)
    before = pixels(generator)
    assert f"; {precision}, channels last changes " in placing.effect(generator, range(7), 8)
    weight = generator.network.get_parameter("layer2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
    assert torch.equal(pixels(generator), before)
    if precision == "float32":
        assert (before.int() - pixels(small()).int()).abs().max() <= 1


FULL = "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 2.00 GiB"
HALVED = "out of memory on the GPU: batches of 5 were halved to 2"


def with_room_for(most, work=lambda images: images):
    """``work`` on a GPU whose memory is enough for so many images at once."""

    def tried(images):
        if len(images) > most:
            raise torch.OutOfMemoryError(FULL)
        return work(images)

    return tried


def test_a_batch_that_does_not_fit_is_halved_from_there_on() -> None:
    sizes = []

    def work(part):
        sizes.append(len(part))
        return [10 * i for i in part]

    with noting() as notes:
        found = list(batches.batched(range(11), 8, with_room_for(3, work)))
    assert [i for part in found for i in part] == [10 * i for i in range(11)]
    assert sizes == [2, 2, 2, 2, 2, 1]
    assert notes == [
        "out of memory on the GPU: batches of 8 were halved to 4",
        "out of memory on the GPU: batches of 4 were halved to 2",
    ]


def test_a_gpu_that_cannot_be_used_is_named_in_one_line_and_one_that_can_in_the_manifests(
    monkeypatch,
) -> None:
    def ones(*_size: int, device: str) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with ...")

    usable = torch.ones
    monkeypatch.setattr(torch, "ones", ones)
    with pytest.raises(UserError, match=r"no kernel image .*; set run.device to cpu"):
        devices.prepare("cuda", 1)
    monkeypatch.setattr(torch, "ones", lambda size, device: usable(size))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Example 1")
    with noting() as notes:
        assert devices.prepare("cuda", 1).type == "cuda"
    assert notes == ["computed on a GPU: Example 1"]


@pytest.mark.parametrize(("given", "notes"), [("", 0), ("-1", 0), ("0", 1)])
def test_a_gpu_that_was_given_and_that_torch_does_not_see_is_noted(
    given, notes, monkeypatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with noting() as said:
        assert devices.prepare("auto", 1).type == "cpu"
    assert ["sees no GPU" in line for line in said] == [True] * notes


def test_what_always_fits_is_not_noted() -> None:
    with noting() as notes:
        assert list(batches.batched([1, 2, 3], 2, list)) == [[1, 2], [3]]
        assert list(batches.batched([], 2, list)) == []
    assert notes == []


def test_one_image_that_does_not_fit_ends_it_with_the_size_needed() -> None:
    with pytest.raises(UserError, match=r"one image at once, which needs 1\.61 GB; take a larger"):
        list(batches.batched(range(5), 4, with_room_for(0)))


def test_another_error_is_not_taken_for_want_of_memory() -> None:
    def work(part):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        list(batches.batched(range(5), 4, work))


@pytest.fixture
def generations(tmp_path):
    write_images(tmp_path / "images", range(7), iter([pixels(small())]))
    return open_images(tmp_path / "images")


def of_samples(_generations, place, most):
    return torch.cat(list(placing.sample(crowded(most), range(7), 5)))


def of_corrections(_generations, place, most):
    ablated = Correction({"layer2": Scale((0, 3), (0.0, 0.0))})
    return torch.cat(list(corrected(crowded(most), range(7), 5, correction=ablated)))


def of_featuremaps(_generations, place, most):
    generator = crowded(most)
    (part,) = collection.featuremap_parts(generator, generator.layers, np.arange(7), 5)
    part.write(place)
    return torch.cat([maps.flatten().float() for maps in load_file(place).values()])


def of_survey(_generations, place, most):
    generator = crowded(most)
    (part,) = survey_parts(generator, generator.layers, range(7), 5)
    part.write(place)
    return torch.cat([values.flatten().float() for values in load_file(place).values()])


def of_heatmaps(generations, place, most):
    grey = with_room_for(most, lambda images: images.float().mean(1) / 255)
    mask = lambda images: (grey(images).flatten(1)[:, :3], grey(images))  # noqa: E731
    return heatmaps_by(mask, generations, 5).heatmaps


def of_features(generations, place, most):
    means = with_room_for(most, lambda images: images.float().mean((2, 3)))
    write_features(place, Extractor("means", 3, means), [generations], 5)
    return read_features(place).features


def crowded(most):
    generator = small()
    room = with_room_for(most)
    generator.network.register_forward_pre_hook(lambda _module, given: room(given[0]))
    return generator


LOOPS = [of_samples, of_corrections, of_featuremaps, of_survey, of_heatmaps, of_features]


@pytest.mark.parametrize("made", LOOPS)
def test_every_loop_gives_the_same_in_halved_batches_and_notes_it(
    made, generations, tmp_path
) -> None:
    usual = made(generations, tmp_path / "usual.parquet", 5)
    with noting() as notes:
        halved = made(generations, tmp_path / "halved.parquet", 3)
    assert torch.equal(halved, usual)
    assert notes == [HALVED]


def of_overlap(most, monkeypatch):
    monkeypatch.setattr(overlap, "CHUNK", 5 * 36)  # five images of four units and nine positions
    room, count = with_room_for(most), overlap._by_tensors
    monkeypatch.setattr(overlap, "_by_loops", lambda maps, *given: count(room(maps), *given))
    stream = torch.Generator().manual_seed(0)
    maps = torch.randn(7, 4, 3, 3, generator=stream).half()
    masks = torch.rand(7, 6, 6, generator=stream) > 0.5
    return overlap.overlap_of(maps, torch.zeros(4), masks).intersection


def test_units_are_counted_in_halved_batches_too(monkeypatch) -> None:
    with monkeypatch.context() as patched:
        usual = of_overlap(5, patched)
    with monkeypatch.context() as patched, noting() as notes:
        halved = of_overlap(3, patched)
    assert torch.equal(halved, usual)
    assert notes == [HALVED]


def test_what_cannot_be_halved_ends_with_the_size_and_the_parameter_to_change() -> None:
    words = r"a minibatch of 32.*needs 1\.61 GB.*cpu, or train_classifier\.minibatch lower"
    with (
        pytest.raises(UserError, match=words),
        batches.in_room("a minibatch of 32 in training", "train_classifier.minibatch lower"),
    ):
        raise torch.OutOfMemoryError(FULL)


@pytest.mark.parametrize(
    ("remedy", "said"),
    [
        ("", r"1\.61 GB; take a larger GPU, or set run\.device to cpu$"),
        ("score_units.iou_px lower", r"larger GPU, set run\.device to cpu, or score_units\.iou_px"),
    ],
)
def test_where_one_is_too_many_only_what_would_help_is_named(remedy, said) -> None:
    with pytest.raises(UserError, match=f"one image at once, which needs .*{said}"):
        list(batches.batched(range(3), 2, with_room_for(0), remedy))
