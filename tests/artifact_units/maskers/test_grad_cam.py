import gc
from typing import Any

import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from small_masking import evidence_of

from artifact_units.classifier.network import (
    NETWORKS,
    Classifier,
    load_classifier,
    new_classifier,
    save_classifier,
)
from artifact_units.errors import UserError
from artifact_units.maskers import grad_cam
from artifact_units.maskers.grad_cam import TARGETS, mask
from artifact_units.registry import check_options

STAGES = ("layer1", "layer2", "layer3", "layer4")


def bytes_of(number, px=64, seed=0):
    stream = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (number, 3, px, px), generator=stream, dtype=torch.uint8)


@pytest.fixture(scope="module", params=NETWORKS)
def classifier(request, tmp_path_factory) -> Classifier:
    """Random weights with batch statistics of real inputs, frozen as ``load_classifier`` does."""
    new = new_classifier(request.param, 64, 0)
    with torch.no_grad():
        for seed in range(20):
            new(bytes_of(8, seed=seed))
    path = tmp_path_factory.mktemp("c") / "c.safetensors"
    save_classifier(path, new)
    return load_classifier(path)


def last_stage(classifier, images):
    kept = []
    handle = classifier.stage("layer4").register_forward_hook(lambda _m, _i, out: kept.append(out))
    logits = classifier(images)
    handle.remove()
    return logits, kept[0]


def test_at_the_last_stage_it_is_relu_of_cam_up_to_scale(classifier):
    images = bytes_of(4)
    logits, maps = last_stage(classifier, images)
    weight = classifier.network.get_parameter("fc.weight")
    cam = torch.einsum("u,burc->brc", weight[0] - weight[1], maps).relu()
    said, heatmaps = mask(evidence_of(classifier, images), stage="layer4", target="contrast")
    assert torch.allclose(said, logits, atol=1e-5)
    assert torch.allclose(heatmaps * cam.amax((1, 2), keepdim=True), cam, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
def test_the_closed_form_equals_the_gradient(classifier, target):
    logits, maps = grad_cam._forward(classifier, bytes_of(4), "layer4")
    direction = torch.tensor(TARGETS[target])
    closed = grad_cam._alpha_of_head(classifier, maps, direction)
    by_gradient = grad_cam._alpha_by_gradient(logits, maps, direction)
    assert torch.allclose(closed, by_gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("stage", STAGES)
def test_it_is_that_of_the_grad_cam_package(classifier, stage):
    images = bytes_of(3)
    prepared = classifier.prepared(images)
    classifier.network.requires_grad_(True)  # the package back-propagates through all of it
    try:
        module = classifier.stage(stage)
        with GradCAM(model=classifier.network, target_layers=[module]) as oracle:
            targets: list[Any] = [ClassifierOutputTarget(0)] * 3
            oracle(input_tensor=prepared, targets=targets)
            kept = oracle.activations_and_grads
            maps, gradient = kept.activations[0].numpy(), kept.gradients[0].numpy()
            weights = oracle.get_cam_weights(prepared, module, None, maps, gradient)
        raw = torch.from_numpy((weights[:, :, None, None] * maps).sum(1)).relu()
    finally:
        classifier.network.requires_grad_(False).zero_grad()
    heatmaps = mask(evidence_of(classifier, images), stage=stage, target="artifact")[1]
    wanted = raw / raw.amax((1, 2), keepdim=True).clamp_min(1e-12)
    assert torch.allclose(heatmaps, wanted, atol=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_has_the_same_heatmap_in_any_batch(classifier, stage):
    images = bytes_of(5)
    together = mask(evidence_of(classifier, images), stage=stage, target="contrast")
    alone = mask(evidence_of(classifier, images[3:4]), stage=stage, target="contrast")
    for whole, one in zip(together, alone, strict=True):
        assert torch.allclose(whole[3:4], one, atol=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_a_heatmap_lies_in_0_1_and_reaches_1_unless_it_is_empty(classifier, stage):
    heatmaps = mask(evidence_of(classifier, bytes_of(8)), stage=stage, target="artifact")[1]
    assert heatmaps.min() >= 0
    assert set(heatmaps.amax((1, 2)).tolist()) <= {0.0, 1.0}


def test_where_nothing_speaks_for_the_target_the_heatmap_is_zero_and_not_nan(classifier):
    weight = classifier.network.get_parameter("fc.weight")
    before = weight[0].clone()
    weight[0] = -1  # the last stage ends in a ReLU: its maps are not negative
    heatmaps = mask(evidence_of(classifier, bytes_of(2)), stage="layer4", target="artifact")[1]
    weight[0] = before
    assert torch.equal(heatmaps, torch.zeros_like(heatmaps))


def test_nothing_is_left_behind_and_the_caller_may_be_in_inference_mode(classifier):
    images = bytes_of(2)
    outside = mask(evidence_of(classifier, images), stage="layer2", target="contrast")
    with torch.inference_mode():
        inside = mask(evidence_of(classifier, images.clone()), stage="layer2", target="contrast")
    assert all(torch.equal(a, b) for a, b in zip(outside, inside, strict=True))
    assert not any(t.requires_grad for t in outside)
    assert not classifier.stage("layer2")._forward_hooks
    assert all(p.grad is None for p in classifier.network.parameters())


@pytest.mark.parametrize("stage", ["layer3", "layer4"])
def test_ten_times_the_batches_hold_no_more_tensors(classifier, stage):
    """No graph is kept: what a batch leaves alive are its logits and heatmaps."""

    def tensors() -> int:
        gc.collect()  # what tests before this one have left
        return sum(type(o) is torch.Tensor for o in gc.get_objects())

    def alive(batches: int) -> int:
        kept = [mask(evidence_of(classifier, bytes_of(1)), stage=stage, target="artifact")]
        before = tensors()
        for _ in range(batches):
            kept.append(mask(evidence_of(classifier, bytes_of(1)), stage=stage, target="artifact"))
        return tensors() - before

    assert alive(1) == 2
    assert alive(10) == 20


def test_nothing_below_the_stage_is_differentiated(classifier):
    trainable = list(classifier.stage("layer1").parameters())
    for parameter in trainable:
        parameter.requires_grad_(True)
    logits, maps = grad_cam._forward(classifier, bytes_of(1), "layer2")
    assert maps.is_leaf
    with pytest.raises(RuntimeError, match="appears to not have been used"):
        torch.autograd.grad(logits.sum(), trainable[0])
    for parameter in trainable:
        parameter.requires_grad_(False)


def test_unknown_stages_and_targets_are_refused():
    for wrong, said in (
        ({"stage": "layer9"}, "option stage is 'layer9'; it takes layer1 or layer2"),
        ({"target": "artefact"}, "option target is 'artefact'; it takes artifact or contrast"),
    ):
        with pytest.raises(UserError, match=said):
            check_options("maskers", "grad_cam", {"stage": "layer4", "target": "artifact"} | wrong)
