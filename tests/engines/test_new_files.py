"""One new file on each shelf: the pipeline uses all six, and no other file is touched.

The files in ``new_files/`` are put into a copy of the project, whose code runs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ENVIRONMENT, Checkout
from house import ROOT

from artifact_units import registry
from artifact_units.classifier.heatmaps import read_heatmaps
from artifact_units.evaluation.measurements import read_measurements
from artifact_units.files.tables import read_table
from artifact_units.images.image_sets import open_images

NEW = Path(__file__).parent / "new_files"
FILES = sorted(path.relative_to(NEW) for path in NEW.glob("*/*.py"))
NAMED = {
    "compute_masks": {"masker": "brightness", "heatmaps": "params/no_heatmaps", "power": 2},
    "extract_features": {"extractor": "quarters", "weights": "params/no_weights", "reals": 10},
    "score_units.rankings": {
        "last": {"ranking": "by_number", "step": 2.0},
    },
    "fit_corrections.corrections": {
        "none": {"ranking": "last", "corrector": "ablation", "layer": "layer1", "n": 0},
        "weak": {"ranking": "last", "corrector": "weaken", "n": 2},
    },
    "export_generator.edits": "results/fit_corrections/weak/edits.json",
}
RUN = """
import json, sys
from pathlib import Path
import torch
sys.path.append(sys.argv[1])  # the tests, beside the copy's own code
from checkout import Checkout
from small_run import put_user, run_whole
from artifact_units.corrections.export import difference, export, read_edits
from artifact_units.generators import as_generator, load_generator, save_generator
from artifact_units.generators.tiny import Tiny

torch.manual_seed(0)
network = Tiny(6, 4)
torch.save({f"tiny.{k}": 3 * v for k, v in network.state_dict().items()}, "tiny.pth")
put_user(Checkout(Path()), "tiny.pth", 16, json.loads(sys.argv[2]))
said = run_whole(Path("tiny.pth"))
edits = read_edits(Path("results/fit_corrections/weak/edits.json"))
whole = load_generator("tiny.pth")
written = load_generator("results/export_generator/corrected.pth")
save_generator(Path("own"), whole)
done = export(Path("own"), edits, Path("folded"))
told = {"export": said["export_generator"], "layout": written.layout, "own": done.why}
told["apart"] = [difference(whole, edits, written)[0], done.largest]
told["edited"] = sorted(edits)
print(json.dumps(told))
"""


def runs(copy: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("copy") / "it"
    Checkout.make(path, {}, stand_ins=False)
    for file in FILES:
        assert not (path / "artifact_units" / file).exists()
        shutil.copy(NEW / file, path / "artifact_units" / file)
    return path


def test_there_is_one_new_file_for_every_shelf() -> None:
    assert [str(file.parent) for file in FILES] == sorted({"generators", *registry.VERBS})


def test_the_pipeline_uses_all_of_them_from_the_checkpoint_to_the_export(copy) -> None:
    told = json.loads(
        runs(copy, "-c", RUN, str(ROOT / "tests"), json.dumps(NAMED)).splitlines()[-1]
    )
    results = copy / "results"
    assert "layout tiny, folded exactly" in told["export"]
    assert (told["layout"], told["own"]) == ("tiny", "folded exactly")
    assert max(told["apart"]) < 1e-6
    assert told["edited"] == ["layer1", "layer2"]
    heatmaps = read_heatmaps(results / "compute_masks/heatmaps.parquet", "heldout")
    pixels = open_images(results / "sample_generations/heldout").take(heatmaps.ids)
    assert heatmaps.heatmaps.allclose((pixels.float().mean(1) / 255) ** 2)
    scores = read_table(results / "score_units/last.parquet", "scores").to_pylist()
    assert [row["score"] for row in scores if row["layer"] == "layer1"] == [0, 2, 4, 6]
    measured = {
        m.metric for m in read_measurements(results / "evaluate_generations/measurements.parquet")
    }
    assert {"mean_gap_quarters", "frechet_quarters"} <= measured
    assert "mean gap quarters" in (results / "report/report.html").read_text(encoding="utf-8")


def test_the_tests_of_a_shelf_try_them_too(copy) -> None:
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    new = ("Tiny", "brightness", "by_number", "weaken", "quarters", "mean_gap")
    files = [
        f"tests/artifact_units/{name}" for name in ("maskers", "rankings", "metrics", "generators")
    ]
    words = ("-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", " or ".join(new))
    said = runs(copy, *words, "tests/artifact_units/test_registry.py", *files)
    assert [name for name in new if name not in said] == []
