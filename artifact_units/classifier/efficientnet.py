"""EfficientNet-Lite0: EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excitation.

Inverted bottlenecks with ReLU6, for images of any size (the published weights saw 224 px). Their
parts are grouped into stages named as a ResNet's: layer1 to layer4 have a 4th, an 8th, a 16th and a
32nd of the image's positions; layer4 ends in the 1,280 units that are pooled. Convolutions are
padded as TensorFlow's are, where the weights come from: as much as is needed, the odd one after.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 1280
# Of images in [0, 1], as it was trained.
MEAN = (127 / 255, 127 / 255, 127 / 255)
DEVIATION = (128 / 255, 128 / 255, 128 / 255)
# By stage: kernel, stride of the first, expansion, units, bottlenecks.
STAGES = {
    "layer1": ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2)),
    "layer2": ((5, 2, 6, 40, 2),),
    "layer3": ((3, 2, 6, 80, 3), (5, 1, 6, 112, 3)),
    "layer4": ((5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
}
WHICH = (
    "EfficientNet-Lite0 for PyTorch, the file efficientnet-lite0-57934424.pth, sha256 "
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
)
PARTS = {  # of a bottleneck, in the published file
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depth.0",
    "_bn1": "depth.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}


class SameConv(nn.Conv2d):
    """A convolution of ceil(size / stride) positions."""

    def forward(self, input: Tensor) -> Tensor:
        (stride, _), (kernel, _) = self.stride, self.kernel_size
        ends = []
        for size in (input.shape[3], input.shape[2]):
            more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            ends += [more // 2, more - more // 2]
        return super().forward(F.pad(input, ends) if any(ends) else input)


class Bottleneck(nn.Module):
    """Expanded, convolved unit by unit, projected; beside a shortcut where nothing changes size."""

    def __init__(self, entries: int, units: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = entries * expansion
        self.expand = _normed(entries, wide, 1) if expansion > 1 else nn.Identity()
        self.depth = _normed(wide, wide, kernel, stride, groups=wide)
        self.project = _normed(wide, units, 1)[:2]
        self.shortcut = stride == 1 and entries == units

    def forward(self, values: Tensor) -> Tensor:
        inner = self.project(self.depth(self.expand(values)))
        return inner + values if self.shortcut else inner


def efficientnet_lite0(classes: int) -> nn.Sequential:
    """The network, untrained: images ``[batch, 3, height, width]`` -> ``[batch, classes]``."""
    stages, entries = {name: nn.Sequential() for name in STAGES}, 32
    for name, rows in STAGES.items():
        for kernel, stride, expansion, units, count in rows:
            for k in range(count):
                block = Bottleneck(entries, units, kernel, 1 if k else stride, expansion)
                stages[name].append(block)
                entries = units
    stages["layer4"].append(_normed(entries, FEATURES, 1))
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        stem=_normed(3, 32, 3, 2),
        **stages,
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(FEATURES, classes),
    )
    return nn.Sequential(parts)


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published file's tensors by this network's names; strangers keep theirs."""
    return {_name_of(key): value for key, value in state.items()}


def _name_of(key: str) -> str:
    counts = {name: sum(row[-1] for row in rows) for name, rows in STAGES.items()}
    head = f"layer4.{counts['layer4']}"
    stems = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": f"{head}.0"}
    stems |= {"_bn1": f"{head}.1", "_fc": "fc"}
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if match is None:
        stem, _, name = key.rpartition(".")
        return f"{stems.get(stem, stem)}.{name}"
    place = int(match[1])
    for stage, count in counts.items():
        if place < count:
            return f"{stage}.{place}.{PARTS.get(match[2], match[2])}.{match[3]}"
        place -= count
    return key


def _normed(
    entries: int, units: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = SameConv(entries, units, kernel, stride, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(units, eps=1e-3, momentum=0.01), nn.ReLU6())
