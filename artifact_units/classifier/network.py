"""The artifact / normal / real classifier: a trunk, one fully connected layer (section 3.1).

The paper's trunk is a ResNet-18. The input path is here and nowhere else: uint8 images of any size
-> ``px`` by ``px``, the whole image (a crop could remove the artifact) -> [0, 1] -> the mean and
deviation that the trunk was trained with.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from artifact_units.classifier import efficientnet
from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError, did_you_mean
from artifact_units.files.checkpoints import read_checkpoint, read_weights
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import whole_file
from artifact_units.images.image_sets import resized, unit_from_byte
from artifact_units.labels.verdicts import CLASSES
from artifact_units.shapes import Images, Logits

NOTES = "artifact_units"  # the metadata key of our own files
STAGES = ("layer1", "layer2", "layer3", "layer4")  # torchvision's names; the last is pooled
LAYOUT = torch.channels_last  # trains in two thirds of the time on a CPU
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
WHICH = (
    "torchvision's ResNet18_Weights.IMAGENET1K_V1, the file resnet18-f37072fd.pth, sha256 "
    "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"
)


@dataclass(frozen=True)
class Classifier:
    """``classifier(images)`` is the logits of uint8 images, in the order of ``CLASSES``."""

    network: nn.Module
    name: str  # a key of NETWORKS
    px: int

    def __call__(self, images: Images) -> Logits:
        return self.network(self.prepared(images))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def prepared(self, images: Images) -> Float[Tensor, "batch 3 {self.px} {self.px}"]:
        """The input path: bytes -> what the network is given."""
        trunk = NETWORKS[self.name]
        given = (trunk.mean, trunk.deviation)
        mean, deviation = (sent(torch.tensor(v), images.device) for v in given)
        small = unit_from_byte(resized(images, self.px))
        scaled = (small - mean[:, None, None]) / deviation[:, None, None]
        return scaled.contiguous(memory_format=LAYOUT)

    def stage(self, name: str) -> nn.Module:
        """The stage of that name: one of ``STAGES``."""
        if name not in STAGES:
            raise UserError(
                f"stage {name!r} is not in the classifier; {did_you_mean(name, STAGES)}"
            )
        return self.network.get_submodule(name)

    def to(self, device: torch.device) -> Classifier:
        """The same classifier on another device (the network itself is moved)."""
        self.network.to(device)
        return self


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016); names and order are torchvision's.

    Not torchvision's itself: its import takes a second of every stage that uses a narrow network.
    """

    def __init__(self, entries: int, units: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entries, units, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(units)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(units, units, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(units)
        self.downsample = shortcut

    def forward(self, values: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(values)))))
        inner += values if self.downsample is None else self.downsample(values)
        return self.relu(inner)


def usual_resnet18() -> nn.Module:
    """torchvision's ResNet-18, untrained."""
    from torchvision.models import resnet18

    return resnet18(weights=None, num_classes=len(CLASSES))


def narrow_resnet18() -> nn.Module:
    """ResNet-18's blocks in widths 16-32-48-64 for small images; a stage's name is torchvision's.

    At 64 px the stages' grids are 16, 16, 8 and 8 positions wide.
    """
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu=nn.ReLU(inplace=True),
            layer1=_stage(16, 16, stride=2),
            layer2=_stage(16, 32, stride=1),
            layer3=_stage(32, 48, stride=2),
            layer4=_stage(48, 64, stride=1),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(64, len(CLASSES)),
        )
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


@dataclass(frozen=True)
class Trunk:
    """A network by its name in params.yaml; its stages are ``STAGES``, its last layer ``fc``."""

    build: Callable[[], nn.Module]  # untrained
    weights: str = ""  # the published ImageNet weights that fit, in words; "": there are none
    renamed: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict  # theirs by its names
    mean: tuple[float, float, float] = MEAN
    deviation: tuple[float, float, float] = DEVIATION


NETWORKS = {
    "resnet18": Trunk(usual_resnet18, WHICH),
    "resnet18_narrow": Trunk(narrow_resnet18),
    "efficientnet_lite0": Trunk(
        lambda: efficientnet.efficientnet_lite0(len(CLASSES)),
        efficientnet.WHICH,
        efficientnet.renamed,
        efficientnet.MEAN,
        efficientnet.DEVIATION,
    ),
}


def new_classifier(name: str, px: int, seed: int) -> Classifier:
    """A classifier with initial weights drawn by ``seed``, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(NETWORKS[name].build().to(memory_format=LAYOUT), name, px)


def load_imagenet(classifier: Classifier, weights: str) -> None:
    """Put ImageNet weights from a local file under the fully connected layer; never fetched."""
    path, trunk = Path(weights), NETWORKS[classifier.name]
    if not trunk.weights:
        known = " and ".join(name for name, each in NETWORKS.items() if each.weights)
        raise UserError(
            f"train_classifier.network {classifier.name} has no ImageNet weights, which {known} "
            "have; take one of these, or train all of it from scratch (frozen: false, a folder)"
        )
    if path.is_dir():
        raise UserError(f"a frozen classifier needs train_classifier.weights: {trunk.weights}")
    which = f"it should be {trunk.weights}"
    if not path.is_file():
        raise UserError(f"{path}: no such file; {which}; a folder: train from scratch")
    state = trunk.renamed(_weights(path, which))
    wanted = {k: v for k, v in classifier.network.state_dict().items() if not k.startswith("fc.")}
    for key, value in wanted.items():
        if key not in state or state[key].shape != value.shape:
            raise UserError(f"{path}: {key} is not that of {classifier.name}; {which}")
    classifier.network.load_state_dict({k: state[k] for k in wanted}, strict=False)


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write weights and configuration; the same weights give the same bytes."""
    config = {"name": classifier.name, "px": classifier.px, "classes": CLASSES}
    # One key: safetensors writes several in no fixed order, and the bytes would vary.
    notes = {NOTES: json.dumps({"classifier": config}, sort_keys=True)}
    state = {k: v.cpu().contiguous() for k, v in classifier.network.state_dict().items()}
    with whole_file(path) as part:
        save_file(state, part, metadata=notes)


def load_classifier(path: Path) -> Classifier:
    """The classifier of ``train_classifier``: frozen, in evaluation mode, on the CPU."""
    given = read_checkpoint(path)
    try:
        config = parsed(given.metadata[NOTES])["classifier"]
        classifier = new_classifier(config["name"], config["px"], seed=0)
        classifier.network.load_state_dict(given.tree)
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise UserError(
            f"{path}: holds no classifier; give the output of train_classifier"
        ) from None
    classifier.network.eval().requires_grad_(False)
    return classifier


def _stage(entries: int, units: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or entries != units:
        narrow = nn.Conv2d(entries, units, 1, stride=stride, bias=False)
        shortcut = nn.Sequential(narrow, nn.BatchNorm2d(units))
    return nn.Sequential(Block(entries, units, stride, shortcut), Block(units, units, 1, None))


def _weights(path: Path, which: str) -> dict[str, Tensor]:
    try:
        return read_weights(path)
    except UserError as error:
        raise UserError(f"{error}; {which}") from None
