import lite0
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.resnet import BasicBlock, resnet18
from torchvision.transforms.v2 import functional as transforms

from artifact_units.classifier.network import (
    STAGES,
    Block,
    load_classifier,
    load_imagenet,
    new_classifier,
    save_classifier,
)
from artifact_units.errors import UserError
from artifact_units.images.image_sets import resized


def bytes_of(number, px, seed=0):
    stream = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (number, 3, px, px), generator=stream, dtype=torch.uint8)


def grids(classifier, images):
    found = {}
    for name in STAGES:
        hook = classifier.stage(name).register_forward_hook
        hook(lambda _m, _i, out, name=name: found.update({name: tuple(out.shape[1:])}))
    classifier(images)
    return found


def test_the_narrow_network_sees_64_px_at_16_positions_and_pools_8():
    found = grids(new_classifier("resnet18_narrow", 64, 0), bytes_of(2, 64))
    assert list(found.values()) == [(16, 16, 16), (32, 16, 16), (48, 8, 8), (64, 8, 8)]


def test_both_networks_have_eight_basic_blocks_and_three_logits():
    for name in ("resnet18", "resnet18_narrow"):
        classifier = new_classifier(name, 32, 0)
        kinds = (Block, BasicBlock)
        blocks = [m for m in classifier.network.modules() if isinstance(m, kinds)]
        assert len(blocks) == 8
        assert classifier(bytes_of(2, 32)).shape == (2, 3)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_computes_what_torchvisions_does_from_the_same_weights(stride):
    def shortcut():
        return torch.nn.Conv2d(4, 6, 1, stride=stride, bias=False)

    ours, theirs = Block(4, 6, stride, shortcut()), BasicBlock(4, 6, stride, shortcut())
    theirs.load_state_dict(ours.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    values = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ours(values), theirs(values))
    assert torch.equal(ours.eval()(values), theirs.eval()(values))


def test_the_input_is_resized_whole_and_normalised_as_for_imagenet():
    images = bytes_of(2, 48)
    small = transforms.resize(images.float(), [32, 32], antialias=True).round() / 255
    wanted = transforms.normalize(small, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    prepared = new_classifier("resnet18_narrow", 32, 0).prepared(images)
    # A tie of the rounding may fall to either side: one byte is 1 / 255 / .22.
    assert (prepared - wanted).abs().max() < 0.02
    assert (prepared - wanted).abs().median() < 1e-6


def test_an_image_resized_beforehand_is_the_same_input():
    classifier = new_classifier("resnet18_narrow", 32, 0)
    images = bytes_of(2, 48)
    assert torch.equal(classifier.prepared(images), classifier.prepared(resized(images, 32)))


def test_initial_weights_are_those_of_the_seed_whatever_was_drawn_before():
    first = new_classifier("resnet18_narrow", 32, 5).network.state_dict()
    torch.rand(3)
    again, other = (new_classifier("resnet18_narrow", 32, s).network.state_dict() for s in (5, 6))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_a_saved_classifier_gives_the_same_logits_and_is_frozen(tmp_path):
    classifier = new_classifier("resnet18_narrow", 32, 1)
    classifier.network.eval()
    save_classifier(tmp_path / "c.safetensors", classifier)
    read = load_classifier(tmp_path / "c.safetensors")
    assert (read.name, read.px) == ("resnet18_narrow", 32)
    assert torch.equal(read(bytes_of(3, 32)), classifier(bytes_of(3, 32)))
    assert not read.network.training
    assert not any(p.requires_grad for p in read.network.parameters())


def test_the_same_classifier_is_written_as_the_same_bytes(tmp_path):
    for name in "ab":
        save_classifier(tmp_path / name, new_classifier("resnet18_narrow", 32, 1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_files_that_hold_no_classifier_are_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"\x00\x01")
    with pytest.raises(UserError, match=r"other\.safetensors: holds no classifier"):
        load_classifier(tmp_path / "other.safetensors")
    with pytest.raises(UserError, match=r"torn\.safetensors: not a readable checkpoint"):
        load_classifier(tmp_path / "torn.safetensors")
    with pytest.raises(UserError, match="a folder, not a checkpoint file"):
        load_classifier(tmp_path)


@pytest.mark.parametrize(
    "notes",
    [
        "no json",
        "[]",
        "{}",
        '{"classifier": {"px": 8}}',
        '{"classifier": {"name": "x", "px": 8}}',
        '{"classifier": {"name": "resnet18", "px": 8}}',  # whose weights the file does not hold
    ],
)
def test_a_classifier_that_is_described_wrongly_is_refused(notes, tmp_path):
    path = tmp_path / "c.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"artifact_units": notes})
    with pytest.raises(UserError, match=r"c\.safetensors: holds no classifier"):
        load_classifier(path)


def test_an_unknown_stage_is_refused_with_the_nearest():
    with pytest.raises(
        UserError, match="'layer_4' is not in the classifier; did you mean 'layer4'"
    ):
        new_classifier("resnet18_narrow", 32, 0).stage("layer_4")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_imagenet_weights_go_everywhere_but_into_the_fully_connected_layer(tmp_path, suffix):
    torch.manual_seed(0)
    given = resnet18(weights=None).state_dict()  # 1000 classes
    path = tmp_path / f"weights.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(given, path)
    classifier = new_classifier("resnet18", 32, 3)
    before = classifier.network.state_dict()["fc.weight"].clone()
    load_imagenet(classifier, str(path))
    after = classifier.network.state_dict()
    assert all(torch.equal(after[k], given[k]) for k in given if not k.startswith("fc."))
    assert torch.equal(after["fc.weight"], before)


def test_lite0_takes_its_published_weights_and_sees_what_they_were_trained_on(tmp_path):
    stream = torch.Generator().manual_seed(0)
    given = {
        k: torch.rand(shape, generator=stream) / max(1, shape[1:].numel()) + k.endswith("var")
        for k, shape in lite0.shapes().items()
    }
    torch.save(given, tmp_path / "weights.pth")
    classifier = new_classifier("efficientnet_lite0", 65, 3)
    before = classifier.network.get_parameter("fc.weight").clone()
    load_imagenet(classifier, str(tmp_path / "weights.pth"))
    classifier.network.eval()
    images = bytes_of(2, 65)
    with torch.inference_mode():
        features = lite0.features(given, (images - 127.0) / 128)
        wanted = features @ before.t() + classifier.network.get_parameter("fc.bias")
        torch.testing.assert_close(classifier(images), wanted, rtol=1e-4, atol=1e-5)
        sizes = {name: shape[1:] for name, shape in grids(classifier, bytes_of(1, 65)).items()}
    assert sizes == {"layer1": (17, 17), "layer2": (9, 9), "layer3": (5, 5), "layer4": (3, 3)}
    torch.save(given | {"_blocks.0._depthwise_conv.weight": before}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"layer1\.0\.depth\.0\.weight is not that of eff"):
        load_imagenet(classifier, str(tmp_path / "other.pth"))


class Payload:
    def __reduce__(self):
        return print, ("ran",)


def test_weights_that_are_not_a_resnet_are_refused_and_nothing_of_them_runs(tmp_path, capsys):
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    torch.save({"conv1.weight": torch.zeros(2)}, tmp_path / "other.pth")
    torch.save(Payload(), tmp_path / "evil.pth")
    classifier = new_classifier("resnet18", 32, 0)
    for name, said in [
        ("absent.pth", "no such file; it should be .* sha256 f37072fd"),
        ("page.pth", "an HTML page, not a checkpoint .* it should be .* f37072fd"),
        ("evil.pth", "refused, because its pickle asks for"),
        ("other.pth", "conv1.weight is not that of resnet18"),
    ]:
        with pytest.raises(UserError, match=said) as caught:
            load_imagenet(classifier, str(tmp_path / name))
        assert "\n" not in str(caught.value)
    assert "ran" not in capsys.readouterr().out


def test_weights_for_the_narrow_network_and_a_frozen_one_without_any_are_refused(tmp_path):
    with pytest.raises(UserError, match="which resnet18 and efficientnet_lite0 have"):
        load_imagenet(new_classifier("resnet18_narrow", 32, 0), str(tmp_path / "w.pth"))
    with pytest.raises(UserError, match=r"frozen classifier needs train_classifier\.weights"):
        load_imagenet(new_classifier("resnet18", 32, 0), str(tmp_path))
