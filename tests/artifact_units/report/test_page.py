"""The page holds what the tables hold, whole, by itself and always the same."""

from __future__ import annotations

import copy
import json
import math
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from small_results import choose, params, write_results
from small_survey import EFFECT

from artifact_units.errors import UserError
from artifact_units.evaluation.differences import write_differences
from artifact_units.evaluation.measurements import Measurement
from artifact_units.files.manifests import write_manifest
from artifact_units.files.tables import read_table, write_table
from artifact_units.report.data import Results
from artifact_units.report.page import contents, plots
from artifact_units.report.page import page as page_of
from artifact_units.survey.finding import Survey, write_survey


def page(results: Results) -> str:
    return page_of(contents(results))


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in names]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return Results(*write_results(tmp_path_factory.mktemp("known")), params())


@pytest.fixture(scope="module")
def text(known: Results) -> str:
    return page(known)


@pytest.fixture(scope="module")
def unknown(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("unknown")
    return page(Results(*write_results(folder, known=False), params()))


def test_nothing_is_fetched_from_anywhere(text: str) -> None:
    for tag, attributes in Tags(text).found:
        for key in ("src", "href", "xlink:href", "data", "action", "srcset", "poster"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#")), f"<{tag} {key}={value}>"
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "http://" not in text
    assert "https://" not in text


def test_its_policy_allows_its_one_script_and_no_request(text: str) -> None:
    ((policy,),) = [
        [a["content"]]
        for a in Tags(text).named("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not Tags(text).named("iframe", "object", "embed", "form")
    assert not re.search(r"<[^>]* on\w+=", text)


def test_without_a_script_both_pictures_are_there_and_nothing_can_be_pressed(text: str) -> None:
    (compared,) = re.findall('<figure class="compare">(.*?)</figure>', text, re.DOTALL)
    assert [p["alt"] for p in Tags(compared).named("img")] == [
        "generation 2000005 as generated, the mask of its artifact outlined",
        "generation 2000005 corrected by sequential",
    ]  # the classifier is surest of the last artifact, and the red square lies on the left
    assert all("disabled" in button for button in Tags(text).named("button"))


def test_every_picture_says_what_it_shows(text: str) -> None:
    pictures = Tags(text).named("img")
    assert all(len(p["alt"] or "") > 10 for p in pictures)
    charts = [s for s in Tags(text).named("svg") if s.get("role") == "img"]
    assert len(charts) == 4
    assert all(c["aria-label"] for c in charts)


def test_every_link_within_the_page_has_its_place(text: str) -> None:
    tags = Tags(text)
    places = [a["id"] for _, a in tags.found if a.get("id")]
    assert len(places) == len(set(places))
    for _, attributes in tags.found:
        for key in ("href", "xlink:href"):
            if (value := attributes.get(key) or "").startswith("#"):
                assert value[1:] in places


def test_tags_are_closed_in_the_order_of_opening(text: str) -> None:
    void = {"meta", "link", "img", "br", "input"}
    opened = ["html", "body"]
    body = re.sub("<script>.*?</script>", "", text.split("<body>", 1)[1], flags=re.DOTALL)
    for slash, tag, rest in re.findall(r"<(/?)([a-z][\w-]*)([^>]*)>", body):
        if slash:
            assert opened
            assert opened.pop() == tag
        elif tag not in void and not rest.endswith("/"):
            opened.append(tag)
    assert not opened


def test_the_same_results_give_the_same_bytes(text: str, tmp_path: Path) -> None:
    assert page(Results(*write_results(tmp_path / "elsewhere"), params())) == text


def test_it_says_nothing_of_where_it_was_made(text: str, known: Results) -> None:
    assert str(known.folder) not in text
    assert str(Path.cwd()) not in text


# Fréchet distances are 10 - 8 * share repaired; random is two repeats, one apart.
@pytest.mark.parametrize(
    "shown", ["10.0", "6.00", "5.00 to 7.00", "2.80", "1.80 to 3.80", "1.25", "9.70"]
)
def test_numbers_are_those_of_the_measurements(text: str, shown: str) -> None:
    assert f">{shown}<" in text


def test_the_best_correction_is_the_one_with_the_best_pixel_recovery(text: str) -> None:
    (headline,) = re.findall(r"<h1>(.*?)</h1>", text)
    assert headline.startswith("Correction “sequential” brings 6 held-out artifact generations")
    assert "90\N{NO-BREAK SPACE}% of it by Fréchet distance" in headline


def test_mask_iou_and_average_precision_stand_on_the_page(text: str) -> None:
    assert "mean IoU of 0.457 (0.400 to 0.500)" in " ".join(text.split())
    precision = re.search(r"<dt>Average precision</dt><dd>(.*?)</dd>", text)
    assert precision
    assert precision[1] == "1.00"  # every planted unit scores above all others


def test_differences_are_rows_minus_columns_and_marked_where_0_is_left_out(text: str) -> None:
    section = text.split('id="differences"')[1].split("</section>")[0]
    assert "Fréchet distance of artifacts (scene features)" in section
    assert re.findall(r"<th scope=\"col\">− (\w+)", section) == ["none", "one_layer"]
    cells = re.findall(r'class="value">(.*?)</span><span class="interval">(.*?)<', section)
    assert cells == [
        ("<strong>−4.00</strong>", "−5.00 to −3.00"),
        ("−3.20", "−8.20 to 1.80"),
    ]
    assert "All pairs are here, 2 of them" in section


def test_where_nothing_was_resampled_no_difference_is_shown(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    write_differences(results / "evaluate_generations" / "differences.parquet", [])
    text = page(Results(results, truth, params()))
    assert "#differences" not in text
    assert "Whether two rows differ is not to be read off these intervals." in text


def test_the_confusion_counts_add_up_to_the_test_images(text: str) -> None:
    counts = re.findall(r'<td style="--share: [\d.]+">(\d+)</td>', text)
    assert counts == ["3", "1", "0", "0", "3", "0", "0", "0", "3"]


def test_a_card_a_unit_best_first_and_planted_ones_are_marked(text: str) -> None:
    titles = re.findall(r'<h3>(layer\d, unit \d) <span class="mark">(.*?)</span>', text)
    assert titles == [
        ("layer2, unit 4", "planted defect"),
        ("layer1, unit 2", "planted defect"),
        ("layer2, unit 0", "planted defect"),
        ("layer1, unit 4", "not planted"),
    ]


def test_rows_show_original_heatmap_corrections_and_clean(text: str) -> None:
    rows = re.findall(r'<div class="row" role="group".*?</div>', text, re.DOTALL)
    assert len(rows) == 3
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", rows[0])
    assert captions == [
        "original",
        "heatmap and mask",
        "random",
        "one_layer",
        "sequential",
        "clean (truth)",
    ]


def test_without_a_truth_the_headline_is_the_choices_and_nothing_is_claimed(unknown: str) -> None:
    (headline,) = re.findall(r"<h1>(.*?)</h1>", unknown)
    assert headline.startswith("“sequential” was chosen of 3 corrections: the artifact probability")
    assert "from 0.900 to 0.200; normal generations keep a PSNR of" in headline
    assert "No truth is known" in unknown
    for claim in (
        "clean (truth)",
        "planted defect",
        "not planted",
        "average precision",
        "A ring",
    ):
        assert claim not in unknown


def test_every_correction_is_shown_cheapest_first_with_what_the_choice_fell_on(text: str) -> None:
    section = text.split('id="choice"')[1].split("</section>")[0]
    said = re.findall(r'<th scope="row">(.*?)(?: <span|<)', section)
    assert said == ["sequential", "one_layer", "none", "random"]
    assert "sequential by defective_score; stop 2, n 1, scale 1.0" in section
    assert "ablation by defective_score; layer layer1, n 2" in section
    assert section.count(">chosen<") == 1
    assert "with at most\n8 candidates (7 in all)" in section
    assert "one_layer, layer layer1, n 9: a layer has 5 units, n is 9" in section
    assert "The search of “one_layer”" in section
    assert "by n: units a layer, 1, 2: cost 0.700, 0.500" in section
    assert "by layer, layer1, layer2: cost 0.500, 0.950" in section


def test_where_nothing_was_searched_there_are_no_curves(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    one = read_table(results / "fit_corrections/random/tried.parquet", "tried").to_pydict()
    write_table(results / "fit_corrections/one_layer/tried.parquet", "tried", one)
    found = contents(Results(results, truth, params()))
    assert "The search of" not in page_of(found)
    assert "tried.svg" not in plots(found)


def test_where_no_correction_was_chosen_the_headline_says_so(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path, known=False)
    choose(results, "none")
    text = page(Results(results, truth, params()))
    (headline,) = re.findall(r"<h1>(.*?)</h1>", text)
    assert headline == (
        "No correction: none of 3 corrections lowers the artifact probability by more than noise "
        "and its harm; nothing was changed."
    )
    assert "Shown is “sequential”, the nearest by Fréchet distance, which was not chosen." in text


def surveyed(folder: Path, manifests: bool = False) -> Results:
    """A run with a survey: of all artifacts, and of the kind grid, whose best is no unit set."""
    results, truth = write_results(folder)
    grid = replace(EFFECT, kind="grid", effect=0.05, low=0.01, high=0.09, artifacts=5)
    screen = replace(EFFECT, half="screen", low=math.nan, high=math.nan)
    out = folder / "survey.parquet"
    write_survey(out, Survey([screen, EFFECT, grid], 0.5, 10.0, 7, 0.91, 0.87))
    if manifests:
        digests = {"generator": "a", "results/label_generations/labels.parquet": "b"}
        write_manifest(out, "survey_units", digests, {})
        digests = {"generator": "a", "labels": "b"}
        write_manifest(results / "collect_featuremaps", "collect_featuremaps", digests, {})
    return Results(results, truth, params(), survey=out)


def test_a_survey_says_of_each_kind_whether_units_move_it(tmp_path: Path) -> None:
    section = page(surveyed(tmp_path)).split('id="survey"')[1].split("</section>")[0]
    assert "1 candidates (7 more were left out, as asked)" in section
    assert "(AUC 0.910 and 0.870)" in section
    assert "Units move these artifacts: unit 46 of layer4, off; that closes 0.40" in section
    assert "Artifacts of the kind grid, 5 of them" in section
    assert "No unit set of at most 1 units a layer moves artifacts of the kind grid: " in section
    assert "<strong>0.050</strong>" in section
    assert "0.010 to 0.090" in section


def test_without_a_survey_the_page_says_nothing_of_it(text: str) -> None:
    assert 'id="survey"' not in text
    assert "#survey" not in text


def test_a_survey_of_another_generator_or_of_other_labels_is_left_out(tmp_path: Path) -> None:
    found = surveyed(tmp_path, manifests=True)
    assert found.survey is not None
    for digests in ({"generator": "c", "labels": "b"}, {"generator": "a", "labels": "c"}):
        write_manifest(found.folder / "collect_featuremaps", "collect_featuremaps", digests, {})
        again = Results(
            found.folder, tmp_path / "truth", params(), survey=tmp_path / "survey.parquet"
        )
        assert again.survey is None
        assert 'id="survey"' not in page(again)


@pytest.mark.parametrize(
    ("latent", "said"),
    [
        ({"kind": "redraw", "acceptance": 0.625}, "the classifier accepts 62"),
        ({"kind": "truncate", "bound": 1.0}, "latents, not units: other images are drawn"),
    ],
)
def test_an_edit_of_latents_is_called_what_it_is(tmp_path: Path, latent: dict, said: str) -> None:
    results, truth = write_results(tmp_path)
    edits = [{"layers": {}, "latent": latent, "gate": 0.0, "tries": 1}]
    (results / "fit_corrections/sequential/edits.json").write_text(json.dumps(edits))
    assert said in page(Results(results, truth, params()))


def test_beside_the_best_the_lead_says_what_the_choice_fell_on(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    (lead,) = re.findall('<p class="lead">(.*?)</p>', page(Results(results, truth, params())))
    assert "picked on the generations that it is measured on, so a little flattered" in lead
    fell = "choose_correction fell on “sequential” (sequential by defective_score; stop 2, n 1"
    assert fell in lead
    choose(results, "none")
    (lead,) = re.findall('<p class="lead">(.*?)</p>', page(Results(results, truth, params())))
    assert "labelled generations, no correction was chosen." in lead


def test_the_lead_counts_the_planted_units_among_those_edited(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    layers = {"layer1": {"kind": "clip", "units": [2, 3]}, "layer2": {"kind": "clip", "units": [1]}}
    edits = [{"layers": layers, "latent": None, "gate": 0.0, "tries": 1}]
    (results / "fit_corrections/sequential/edits.json").write_text(json.dumps(edits))
    assert (
        "3 units of layer1 and layer2 were made defective, 1 of the 3 edited among them."
        in page(Results(results, truth, params()))
    )


def test_the_classifier_learnt_from_the_train_split_alone(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    columns = {
        "id": [0, 1, 2, 3, 4, 5],
        "label": ["artifact", "artifact", "normal", "normal", "normal", "normal"],
        "split": ["train", "test", "train", "train", "validation", "test"],
        "raters": [1] * 6,
    }
    write_table(results / "label_generations" / "labels.parquet", "labels", columns)
    text = " ".join(page(Results(results, truth, params())).split())
    assert "learnt from 1 generations labelled artifact, 2 labelled normal" in text


def worst(text: str) -> list[str]:
    return re.findall(r"<h3>Generation (\d+)</h3>", text.split('id="failures"')[1])


def test_the_worst_are_those_of_the_lowest_pixel_recovery(known: Results, text: str) -> None:
    mine = [row for row in known.changes if row["correction"] == "sequential"]
    of_artifacts = [row for row in mine if row["population"] == "artifacts"]
    ids = [str(row["id"]) for row in sorted(of_artifacts, key=lambda r: r["pixel_recovery"])]
    assert worst(text) == ids[:2]
    assert worst(text) != [
        str(row["id"]) for row in sorted(of_artifacts, key=lambda r: -r["outside"])[:2]
    ]
    assert "of the lowest pixel recovery by “sequential”" in text
    assert text.count("<figcaption>difference ×4</figcaption>") == 2


def test_without_a_truth_the_worst_are_those_changed_most_outside_the_mask(unknown: str) -> None:
    assert "changed most outside the mask" in unknown
    assert "lowest pixel recovery" not in unknown
    assert "worst" not in unknown.split("<body>")[1]
    assert "difference ×4" not in unknown
    changes = [float(v) for v in re.findall(r"changed ([\d.]+) outside", unknown)]
    assert len(changes) == 2
    assert changes == sorted(changes, reverse=True)


def test_a_gate_of_nought_is_not_said_and_another_is(known: Results) -> None:
    asked = copy.deepcopy(params())
    asked["fit_corrections"]["corrections"]["one_layer"]["gate"] = 0
    asked["fit_corrections"]["corrections"]["sequential"]["gate"] = 0.5
    said = page(Results(known.folder, Path("nowhere"), asked)).split('id="run"')[0]
    assert "gate 0.5" in said
    assert not re.search(r"gate 0(?!\.)", said)


def test_average_precision_is_said_of_which_ranking(known: Results) -> None:
    asked = copy.deepcopy(params())
    asked["fit_corrections"]["corrections"]["sequential"]["ranking"] = "other"
    found = Results(known.folder, Path("nowhere"), asked)
    found.agreement[:] = [
        Measurement(name, 0, "units", "mean_average_precision", value, images=10)
        for name, value in (("defective_score", 0.8125), ("other", 0.5), ("chance", 0.375))
    ]
    assert (
        "of the ranking defective_score, for the planted units; "
        "of other, which “sequential” goes by: 0.500; by chance: 0.375"
    ) in page(found)


def test_outputs_are_named_by_what_their_manifests_hold(tmp_path: Path) -> None:
    results, truth = write_results(tmp_path)
    content = {"step": "score_units", "inputs": {"reals": "ab" * 32}}
    content["files"] = {"random.parquet": {"sha256": "cd" * 32}}
    (results / "score_units" / "random.parquet.manifest.json").write_text(json.dumps(content))
    asked = params()
    asked["inputs"]["reals"] = "a folder"
    section = page(Results(results, truth, asked)).split('id="run"')[1]
    assert f'<code title="{"ab" * 32}">' in section  # the folder of reals, as score_units read it
    assert f'<code title="{"cd" * 32}">' in section
    assert "results/score_units/random.parquet" in section
    assert '<th scope="row">score_units</th>' in section


def test_the_charts_are_files_too_in_colours_of_their_own(known: Results) -> None:
    files = plots(contents(known))
    assert list(files) == [
        "cover.png",
        "corrections.svg",
        "tried.svg",
        "scores.svg",
        "training.svg",
    ]
    assert files["cover.png"].startswith(b"\x89PNG")
    for name in list(files)[1:]:
        drawing = fromstring(files[name])  # it is well-formed by itself
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        assert b"var(" not in files[name]


def test_no_failures_asked_for_no_section(known: Results) -> None:
    asked = Results(known.folder, Path("nowhere"), params(failures=0))
    assert 'id="failures"' not in page(asked)


def test_names_from_params_are_escaped(known: Results) -> None:
    strange = copy.deepcopy(params())
    strange["inputs"]["generator"] = "<script>alert(1)</script>"
    assert "<script>alert" not in page(Results(known.folder, Path("nowhere"), strange))


@pytest.mark.parametrize(
    "missing",
    [
        "label_generations/labels.parquet",
        "score_units/random.parquet",
        "evaluate_generations/measurements.parquet",
        "evaluate_generations/changes.parquet",
        "train_classifier/metrics.json",
        "train_classifier/plots/confusion.csv",
        "train_classifier/plots/training.csv",
        "compute_masks/heatmaps.parquet",
        "collect_featuremaps/histograms.parquet",
        "collect_featuremaps/featuremaps/00000.safetensors",
        "fit_corrections/sequential/edits.json",
    ],
)
def test_a_missing_file_is_one_line_that_names_it(known: Results, missing: str) -> None:
    file = known.folder / missing
    aside = file.rename(file.with_suffix(".aside"))
    try:
        with pytest.raises(UserError, match=re.escape(missing.split("/")[0])) as error:
            page(Results(known.folder, Path("nowhere"), params()))
    finally:
        aside.rename(file)
    assert "\n" not in str(error.value)


def test_a_torn_json_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "train_classifier" / "metrics.json"
    file.parent.mkdir()
    file.write_text('{"accuracy": 1')
    with pytest.raises(UserError, match="not readable as JSON"):
        _ = Results(tmp_path, Path("nowhere"), params()).classifier
