"""Whatever a step is given that is not what it should be: one line, and nothing is written."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from reliability.world import World, one_line

from artifact_units.files.manifests import SUFFIX, files_of, manifest_of
from steps.making.command import Input, Output

TEXT = (".jsonl", ".csv", ".yaml")  # says nothing of its own length
# Not read on this run: of these only the sha256 is taken, or a method has no use for it.
UNREAD = {
    ("annotate_generations", "generator"),
    ("label_generations", "generator"),
    ("score_units", "features"),
    ("fit_corrections", "featuremaps"),
    ("correct_generations", "classifier"),
    ("correct_generations", "labels"),
}
# Of a folder with more in it: what this step reads.
PARTS = {
    ("extract_reference_features", "generations"): "unlabelled",
    ("choose_correction", "fitted"): "none/costs.parquet",
    ("correct_generations", "truth"): "heldout.parquet",
    ("report", "results"): "score_units",
    ("score_units", "features"): "unlabelled.parquet",
}


def spoil(file: Path, how: str) -> None:
    """Replace a file, which is a link, by a spoilt copy of it."""
    data = bytearray(file.read_bytes())
    file.unlink()
    if how == "flipped":
        data[len(data) // 2] ^= 1
    file.write_bytes({"cut": data[: len(data) * 6 // 10], "empty": b""}.get(how, data))
    if how == "foreign":
        pq.write_table(pa.table({"id": [1], "layer": ["layer1"]}), file)


def inputs_of(world: World, *, made: bool):
    """(stage, option, the largest file of that input) for every input of every stage."""
    for stage in world.commands:
        for option, path in world.paths(stage, Input).items():
            if made and path.parts[0] != "results":
                continue
            part = PARTS.get((stage.partition("@")[0], option))
            files = files_of(path / part if part else path)
            yield stage, option, max(files, key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_an_input_that_is_not_the_one_that_was_made_is_refused_by_every_step(world, how):
    tried = 0
    for stage, _, file in inputs_of(world, made=True):
        before = world.state(stage)
        kept = file.with_name("kept.part")
        os.link(file, kept)
        spoil(file, how)
        said = one_line(world.run(stage))
        assert said.startswith(f"Error: {file}: has sha256 "), (stage, said)
        os.replace(kept, file)
        assert world.state(stage) == before, stage
        tried += 1
    assert tried > 25


@pytest.mark.parametrize("how", ["cut", "empty", "foreign"])
def test_an_unreadable_file_that_a_user_brings_is_refused_by_every_step(world, how):
    for manifest in world.path.rglob(f"*{SUFFIX}"):
        manifest.unlink()
    tried, unread = [], set()
    for stage, option, file in inputs_of(world, made=True):
        if file.suffix in TEXT or (how == "foreign" and file.suffix != ".parquet"):
            continue
        own = [manifest_of(path) for path in world.paths(stage, Output).values()]
        for manifest in own:
            manifest.touch()  # else a folder is somebody's, and not replaced
        before = world.state(stage)
        kept = file.with_name("kept.part")
        os.link(file, kept)
        spoil(file, how)
        result = world.run(stage)
        if result.exit_code == 0:
            unread.add((stage.partition("@")[0], option))
        else:
            assert file.name in one_line(result), (stage, option)
            assert world.state(stage) == before, stage
        os.replace(kept, file)
        for manifest in own:
            manifest.unlink(missing_ok=True)
        tried.append(file.suffix)
    assert unread <= UNREAD
    assert {".parquet"} | ({".safetensors", ".json"} if how != "foreign" else set()) <= {*tried}


class Payload:
    """Unpickled, it makes the folder ``pwned`` in the current folder."""

    def __reduce__(self):
        return (os.mkdir, ("pwned",))


def hostile(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "pickle":
        pickle.dump({"state_dict": Payload()}, buffer)
    elif kind == "torch":
        torch.save({"state_dict": Payload()}, buffer)
    elif kind == "old torch":
        torch.save({"state_dict": Payload()}, buffer, _use_new_zipfile_serialization=False)
    elif kind == "numpy":
        np.save(buffer, np.array([Payload()], dtype=object), allow_pickle=True)
    else:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a.pkl", pickle.dumps(Payload()))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["pickle", "torch", "old torch", "numpy", "zip"])
def test_no_path_that_a_step_takes_can_bring_code_in(world, kind):
    for manifest in world.path.rglob(f"*{SUFFIX}"):
        manifest.unlink()
    ran = []
    for stage in world.commands:
        for option, path in world.paths(stage, Input).items():
            if option in ("results", "params"):
                continue
            evil = Path("evil", stage, option, path.name)
            evil.parent.mkdir(parents=True)
            if path.is_dir():
                evil.mkdir()
                for file in files_of(path):
                    (evil / file.relative_to(path)).parent.mkdir(parents=True, exist_ok=True)
                    (evil / file.relative_to(path)).write_bytes(hostile(kind))
            else:
                evil.write_bytes(hostile(kind))
            result = world.run(stage, **{option: evil})
            assert not Path("pwned").exists(), (stage, option)
            assert result.exception is None or one_line(result), (stage, option)
            ran.append(option)
    assert {"generator", "classifier", "weights", "reals", "featuremaps"} <= {*ran}


def test_the_payload_would_have_run():
    # The test above can fail: this is what unpickling one of its files does.
    with pytest.raises(FileExistsError):
        pickle.loads(hostile("pickle").replace(b"pwned", b"/proc"))


def test_every_step_is_among_those_that_are_tried(world):
    written = {stage.partition("@")[0] for stage in world.commands if world.paths(stage, Output)}
    assert written == {path.name for path in Path("results").iterdir() if path.is_dir()} - {
        "check_params"
    }
