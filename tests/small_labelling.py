"""A small labelling problem, and the server on it as a person starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from house import ROOT

from artifact_units.shards import write_shard
from artifact_units.storage import sha256_of

TOKEN = "a-token-of-the-tests"
PX = 16


def write_problem(folder: Path, count: int = 40, first: int = 0) -> None:
    """``generator.bin`` and an image set ``images`` of ``count`` generations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.bin").write_bytes(b"weights")
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, PX, PX), np.uint8)
    write_shard(folder / "images", 0, range(first, first + count), pixels)


def lines(path: Path) -> list[dict]:
    """The records of a labels file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass
class Server:
    """``label_generations serve`` as a process of its own, at a port that stays the same."""

    folder: Path
    generator: Path
    generations: Path
    options: list[str] = field(default_factory=list)
    port: int = 0

    @classmethod
    def of(cls, folder: Path, *options: str) -> Server:
        """On what ``write_problem`` wrote, as the rater ann."""
        return cls(folder, folder / "generator.bin", folder / "images", list(options))

    @property
    def labels(self) -> Path:
        """The labels file."""
        return self.folder / "labels.jsonl"

    @property
    def checkpoint(self) -> str:
        """What its verdicts name."""
        return sha256_of(self.generator)

    def start(self) -> str:
        """Start it, and the address that it prints."""
        words = ["--generator", self.generator, "--generations", self.generations]
        words += ["--labels", self.labels, "--rater", "ann", "--port", self.port, *self.options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "steps.label_generations", "serve", *map(str, words)],
            cwd=ROOT,
            env={**os.environ, "ARTIFACT_UNITS_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:  # ends where the process does
            said += line
            if found := re.search(r"open (http://127.0.0.1:(\d+)/\?token=\S+)", line):
                break
        else:
            self.process.communicate()
            raise AssertionError(said)
        self.port = int(found[2])
        return found[1]

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """As a person or a scheduler stops it."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()
