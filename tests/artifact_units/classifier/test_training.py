import numpy as np
import pyarrow as pa
import pytest
import torch
from patches import PX, patches, stripes
from sklearn.metrics import roc_auc_score
from small_masking import evidence_of

from artifact_units.classifier.examples import Examples, examples_of
from artifact_units.classifier.heatmaps import masks_from
from artifact_units.classifier.network import new_classifier, save_classifier
from artifact_units.classifier.training import (
    area_under_curve,
    confusion_of,
    curve_of,
    fit,
    metrics_of,
    predict,
)
from artifact_units.errors import UserError
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.labels.splits import stratified
from artifact_units.maskers.grad_cam import mask

OPTIONS = {"frozen": False, "epochs": 4, "minibatch": 16, "rate": 0.005, "seed": 0}


def labels_of(number, share=0.2):
    names = ["artifact" if i % 2 else "normal" for i in range(number)]
    splits = stratified(range(number), names, validation=share, test=share, seed=0)
    return pa.table({"id": range(number), "label": names, "split": splits})


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_images(folder / "generations", range(200), iter([patches(200, 0)[0]]))
    write_images(folder / "reals", range(120), iter([stripes(120, 2)]))
    return open_images(folder / "generations"), open_images(folder / "reals")


def examples_from(sets, labels, number, px, folder):
    generations, reals = sets
    return examples_of(labels, generations, reals, number, px, folder)


@pytest.fixture(scope="module")
def examples(sets, tmp_path_factory):
    return examples_from(sets, labels_of(200), 100, PX, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def trained(examples):
    classifier = new_classifier("resnet18_narrow", PX, 0)
    return classifier, fit(classifier, examples, **OPTIONS)


def test_examples_are_the_labelled_images_and_then_the_first_reals(examples, sets, tmp_path):
    assert torch.equal(examples.pixels[:200], patches(200, 0)[0])
    assert torch.equal(examples.pixels[200:], stripes(120, 2)[:100])
    assert examples.classes.tolist() == [1, 0] * 100 + [2] * 100
    small = examples_from(sets, labels_of(200), 100, 16, tmp_path)
    assert small.pixels.shape == (300, 3, 16, 16)
    assert list(tmp_path.iterdir()) == []


def test_examples_follow_the_labels_and_not_the_image_set(sets, tmp_path):
    table = labels_of(200)
    backwards = examples_from(sets, table.take(list(range(199, -1, -1))), 50, PX, tmp_path)
    assert torch.equal(backwards.pixels[:200], patches(200, 0)[0].flip(0))
    some = examples_from(sets, table.slice(0, 60), 50, PX, tmp_path)
    assert torch.equal(some.pixels[:60], patches(200, 0)[0][:60])


def test_real_images_are_split_in_the_shares_of_the_labels(examples):
    reals = examples.splits[200:].tolist()
    assert [reals.count(s) for s in ("train", "validation", "test")] == [60, 20, 20]


def test_examples_that_cannot_be_had_are_refused(sets, tmp_path):
    with pytest.raises(UserError, match=r"holds 120 images, train_classifier\.reals is 121"):
        examples_from(sets, labels_of(200), 121, PX, tmp_path)
    with pytest.raises(UserError, match="holds no generation 200"):
        examples_from(sets, labels_of(202), 100, PX, tmp_path)
    with pytest.raises(UserError, match="the split validation holds no artifact image"):
        examples_from(sets, labels_of(4), 100, PX, tmp_path)


def test_a_bright_patch_on_noise_is_learnt(trained, examples):
    rows = examples.rows("test")
    found = metrics_of(predict(trained[0], examples, rows, 50), examples.classes[rows])
    assert found["test_images"] == 60
    assert min(found["accuracy"], found["auc_artifact"]) > 0.95


def test_the_mask_of_a_learnt_patch_lies_on_the_patch(trained):
    images, truth = patches(41, 7)
    logits, heatmaps = mask(
        evidence_of(trained[0], images[1::2]), stage="layer2", target="artifact"
    )
    masks, truth = masks_from(heatmaps, 0.5, PX), truth[1::2]
    overlap = (masks & truth).sum((1, 2)) / (masks | truth).sum((1, 2))
    elsewhere = (masks & truth.roll(1, 0)).sum((1, 2)) / (masks | truth.roll(1, 0)).sum((1, 2))
    assert (logits.argmax(1) == 0).float().mean() > 0.9
    assert overlap.mean() > 0.4
    assert overlap.mean() > 4 * elsewhere.mean()


def test_training_again_gives_the_same_bytes_and_another_seed_does_not(examples, tmp_path):
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        classifier = new_classifier("resnet18_narrow", PX, 0)
        fit(classifier, examples, **{**OPTIONS, "epochs": 1, "seed": seed})
        save_classifier(tmp_path / name, classifier)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_the_epoch_kept_is_the_last_of_the_best_on_validation(trained, examples):
    classifier, curve = trained
    rows = examples.rows("validation")
    right = predict(classifier, examples, rows, 16).argmax(1) == examples.classes[rows]
    assert [e.epoch for e in curve] == [1, 2, 3, 4]
    assert right.double().mean().item() == max(e.validation_accuracy for e in curve)


def test_a_frozen_network_keeps_all_but_its_fully_connected_layer(examples):
    classifier = new_classifier("resnet18_narrow", PX, 0)
    before = {k: v.clone() for k, v in classifier.network.state_dict().items()}
    fit(classifier, examples, **{**OPTIONS, "epochs": 1, "frozen": True})
    after = classifier.network.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed == {"fc.weight", "fc.bias"}


def test_a_rate_that_blows_up_is_refused_in_one_line(examples):
    with pytest.raises(UserError, match=r"the loss of epoch . is (nan|inf); lower"):
        fit(new_classifier("resnet18_narrow", PX, 0), examples, **{**OPTIONS, "rate": 1e30})


def test_a_rare_class_weighs_as_much_as_a_common_one():
    # The pixels say nothing: with weights the artifact's probability is a third, not a tenth.
    pixels = torch.zeros(100, 3, 16, 16, dtype=torch.uint8)
    classes = torch.tensor([0] * 10 + [1] * 45 + [2] * 45)
    alike = Examples(pixels, classes, np.array(["train", "validation"] * 50))
    classifier = new_classifier("resnet18_narrow", 16, 0)
    options = {"frozen": True, "epochs": 40, "minibatch": 50, "rate": 0.1}
    fit(classifier, alike, **{**OPTIONS, **options})
    probability = predict(classifier, alike, torch.arange(1), 1).softmax(1)[0, 0].item()
    assert probability == pytest.approx(1 / 3, abs=0.08)


def test_area_under_curve_is_that_of_scikit_learn_with_ties():
    random = np.random.RandomState(0)
    scores, positive = random.randint(0, 9, 60).astype(float), random.rand(60) < 0.3
    assert area_under_curve(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
    # By hand: 3 beats 1 and 2 of (1, 2, 4), ties with none: 2 of 3.
    assert area_under_curve(np.array([3.0, 1, 2, 4]), np.arange(4) == 0) == pytest.approx(2 / 3)


def test_metrics_are_counted_by_hand_on_five_images():
    logits = torch.eye(3)[[0, 1, 1, 2, 1]] * 4
    found = metrics_of(logits, torch.tensor([0, 0, 1, 2, 2]))
    assert found["accuracy"] == 0.6
    assert (found["recall_artifact"], found["recall_normal"], found["recall_real"]) == (0.5, 1, 0.5)
    # Artifacts score high and low; of their 6 pairs 3 are won and 3 tie.
    assert found["auc_artifact"] == 0.75


def test_a_classifier_that_finds_no_artifact_is_refused():
    logits = torch.eye(3)[[1, 1, 1, 2]]
    with pytest.raises(UserError, match="finds none of the 2 artifacts"):
        metrics_of(logits, torch.tensor([0, 0, 1, 2]))


def test_plots_are_csv_with_a_line_an_image_and_a_line_an_epoch(trained):
    said = confusion_of(torch.eye(3)[[0, 2]], torch.tensor([0, 1]))
    assert said == "actual,predicted\nartifact,artifact\nnormal,real\n"
    lines = curve_of(trained[1]).splitlines()
    assert lines[0] == "epoch,loss,validation_accuracy"
    assert len(lines) == 5


def test_a_minibatch_that_a_gpu_has_no_room_for_is_refused_in_one_line(examples):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    classifier = new_classifier("resnet18_narrow", PX, 0)
    classifier.network.register_forward_pre_hook(full)
    with pytest.raises(UserError, match=r"minibatch of 16 in training, which needs 2\.15 GB"):
        fit(classifier, examples, **OPTIONS)


def test_predictions_are_those_of_halved_batches(trained, examples):
    classifier, _ = trained
    rows, sizes = torch.arange(20), []

    def crowded(_network, given):
        if len(given[0]) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        sizes.append(len(given[0]))

    usual = predict(classifier, examples, rows, 5)
    handle = classifier.network.register_forward_pre_hook(crowded)
    halved = predict(classifier, examples, rows, 10)
    handle.remove()
    assert sizes == [5] * 4
    assert torch.equal(halved, usual)
