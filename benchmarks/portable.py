"""What the same bytes on every processor cost: sampling and training, portable and not.

``python -m benchmarks.portable`` runs each way in a process of its own, in turn, on one thread.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

ROUNDS = 5
CODE = """
import json, sys
if sys.argv[1] == "portable":
    from artifact_units.computing import portable
    portable.settle()
from time import process_time
from pathlib import Path
import numpy as np
import torch
from artifact_units.classifier.examples import Examples
from artifact_units.classifier.network import new_classifier
from artifact_units.classifier.training import fit
from artifact_units.computing import devices
from artifact_units.generators import load_generator
from artifact_units.layers import placing

devices.prepare("cpu", 1)
generator = load_generator(Path("demo/church_generator.safetensors"))

def sampling():
    images = torch.cat(list(placing.sample(generator, np.arange(400), 100)))
    return len(images)

def training(network, count):
    images = torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8)
    labels = torch.arange(count) % 3
    splits = np.array(["train"] * (count - 6) + ["validation"] * 6)
    classifier = new_classifier(network, 64, 0)
    how = {"epochs": 1, "minibatch": 32, "rate": 0.001, "seed": 0}
    fit(classifier, Examples(images, labels, splits), frozen=False, **how)

torch.manual_seed(0)
found = {}
for name, work in {
    "sampling, 400 generations of the default run": sampling,
    "training, resnet18_narrow, 640 images": lambda: training("resnet18_narrow", 646),
    "training, ResNet-18, 128 images of 64 px": lambda: training("resnet18", 134),
}.items():
    work()
    before = process_time()
    work()
    found[name] = process_time() - before
print(json.dumps(found))
"""


def timed(way: str) -> dict[str, float]:
    """CPU seconds of each piece of work in a fresh process."""
    words = [sys.executable, "-c", CODE, way]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print a line a piece of work: both ways, and the share of the speed that is kept."""
    rounds = [(timed("portable"), timed("own")) for _ in range(ROUNDS)]
    for name in rounds[0][0]:
        portable, own = (median(r[way][name] for r in rounds) for way in (0, 1))
        kept = median(r[1][name] / r[0][name] for r in rounds)
        print(f"{name}: portable {portable:.2f} cpu s, not {own:.2f}; {kept:.2f} of the speed kept")


if __name__ == "__main__":
    main()
