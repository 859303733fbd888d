"""Steps where there is no space, no network, no leave to write; and names beyond ASCII."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from reliability.world import need, one_line

from artifact_units.files.manifests import hashes_of, manifest_of
from steps.making.command import Output

# Stages and which of their outputs is put where there is little space.
BIG = [
    ("sample_generations", "out"),
    ("read_reals", "out"),
    ("annotate_generations", "truth"),
    ("collect_featuremaps", "out"),
    ("extract_reference_features", "out"),
    ("correct_generations@none", "out"),
    ("export_generator", "out"),
    ("report", "out"),
]
SLOW = ("plant_defects", "train_classifier")


def mounted(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    need(done.returncode == 0, f"needs root: mount {' '.join(words)}: {done.stderr}")


@contextmanager
def read_only(folder: Path, view: Path) -> Iterator[Path]:
    """A folder at another place, where not even root can write; the current folder meanwhile."""
    view.mkdir()
    mounted("--bind", str(folder), str(view))
    try:
        mounted("-o", "remount,ro,bind", str(view))
        os.chdir(view)
        yield view
    finally:
        os.chdir("/")
        subprocess.run(["umount", "--lazy", str(view)], check=True)  # as below


@pytest.fixture
def little(tmp_path):
    """A file system on which 16 kB are free."""
    place = tmp_path / "little"
    place.mkdir()
    mounted("-t", "tmpfs", "-o", "size=300k", "none", str(place))
    (place / "taken").write_bytes(bytes(shutil.disk_usage(place).free - 4 * 4096))
    yield place
    # Lazily: the refused step's open files are closed when its exception is forgotten.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize(("stage", "option"), BIG)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(world, little, stage, option):
    output = world.paths(stage, Output)[option]
    target = little / "old" / output.name
    old = target / "old" if (world.path / output).is_dir() else target
    old.parent.mkdir(parents=True)
    old.write_text("old")
    manifest_of(target).touch()  # else a folder is somebody's, and not replaced
    said = one_line(world.run(stage, **{option: target}))
    assert said.startswith(f"Error: {target}: no space left: it needs more than the ")
    assert {*target.parent.iterdir()} == {target, manifest_of(target)}
    assert old.read_text() == "old"


def test_no_step_writes_beside_its_inputs(world, whole, tmp_path):
    with read_only(whole.path, tmp_path / "view") as view:
        with pytest.raises(OSError, match="Read-only"):
            (view / "x").touch()
        for stage in world.commands:
            if stage in (*SLOW, "check_params"):
                continue
            paths = world.paths(stage, Output)
            out = {name: tmp_path / "out" / path for name, path in paths.items()}
            done = world.run(stage, **out)
            assert done.exit_code == 0, (stage, done.output)
            for name, path in paths.items():
                made = {f.relative_to(out[name]): s for f, s in _hashes(out[name]).items()}
                assert made == {f.relative_to(path): s for f, s in _hashes(path).items()}, stage


def _hashes(path: Path) -> dict[Path, str]:
    return hashes_of(path) if path.exists() else {}


def test_an_output_that_may_not_be_written_is_one_line(world, whole, tmp_path):
    with read_only(whole.path, tmp_path / "view"):
        said = one_line(world.run("sample_generations"))
    assert said == "Error: results/sample_generations: read-only file system"


def test_the_whole_run_needed_no_network_and_no_plain_name(whole):
    # World.make ran it in a network namespace with nothing in it, in a folder of this name.
    assert "ünïcode ☃" in str(whole.path)
    assert (whole.path / "results/report/report.html").stat().st_size > 1e5


def test_weights_that_are_missing_are_one_line_that_says_what_is_needed(world):
    said = one_line(world.run("extract_features@none", weights="none.pth", extractor="inception"))
    assert "none.pth: no such weights" in said
    assert "sha256" in said
    assert "nothing is ever fetched" in said
