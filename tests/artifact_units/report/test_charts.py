"""Charts are text, in the page's colours, the same every time."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

from artifact_units.report.charts import Cell, Curves, Dot, curves, dots, filed, sheet, strip

DOTS = [
    Dot("a", 1.0, 0.5, 1.5),
    Dot("b", 2.0, float("nan"), float("nan")),
    Dot("c", float("nan"), 0.0, 0.0),
]


def test_a_chart_is_one_svg_with_its_text() -> None:
    chart = dots("x", {"metric": DOTS}, {}, 'says "this" & that')
    assert chart.startswith('<svg role="img" aria-label="says &#34;this&#34; &amp; that"')
    assert "http" not in chart
    assert "DejaVu" not in chart


def test_a_chart_has_no_colour_but_the_page_s() -> None:
    chart = dots("x", {"metric": DOTS}, {"metric": {"clean": 1.0}}, "says")
    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", chart)) <= {
        "none",
        *(f"var(--{name})" for name in ("ink", "muted", "rule", "accent", "paper")),
    }


def test_equal_charts_are_equal_text_and_two_charts_share_no_id() -> None:
    first, again, other = (dots(name, {"metric": DOTS}, {}, "says") for name in ("x", "x", "y"))
    assert first == again
    assert not set(re.findall(r'id="([^"]+)"', first)) & set(re.findall(r'id="([^"]+)"', other))


def test_the_strip_rings_planted_units_and_names_the_best() -> None:
    layers = {"layer1": [Cell(7, 0.5, True), Cell(3, 0.25, False)], "layer2": [Cell(0, 0.1, False)]}
    chart = strip("s", layers, "says")
    assert chart.count("var(--paper); stroke: var(--ink)") >= 1
    assert "unit 7: 0.500" in chart
    assert "unit 0: 0.100" in chart
    assert "var(--paper)" not in strip("s", {"layer1": [Cell(7, 0.5, False)]}, "says")


def test_curves_name_their_places_and_the_reference() -> None:
    panel = Curves("n: units a layer", [1, 3], {"cost": [0.5, 0.25], "probability": [0.4, 0.2]})
    chart = curves("c", [panel], {"no correction": 0.9}, "says")
    for word in ("n: units a layer", ">1<", ">3<", ">cost<", ">probability<", ">no correction<"):
        assert word in chart
    assert "stroke-dasharray" in chart  # the second is told apart without its colour


def test_a_sheet_names_panels_once_rows_at_their_left_and_shades_intervals() -> None:
    panels = [
        Curves(t, [1, 3], {"a": [0.5, -0.25]}, {"a": [(0.25, 0.75), (-1.0, 0.0)]}) for t in "nl"
    ]
    chart = sheet("s", {"near": panels, "far": panels}, {"far": {"before": 0.9}}, "says")
    for word in (">n<", ">l<", ">near<", ">far<", ">a<"):
        assert chart.count(word) == 1, word
    assert chart.count("FillBetweenPolyCollection") == 4
    bare = [Curves(p.title, p.places, p.series) for p in panels]
    assert "FillBetween" not in sheet("s", {"near": bare}, {}, "says")


def test_a_chart_as_a_file_has_a_place_of_names_and_no_variable() -> None:
    file = filed(dots("x", {"metric": DOTS}, {}, "says"))
    assert fromstring(file).tag == "{http://www.w3.org/2000/svg}svg"
    assert (
        int(fromstring(file).attrib["width"]) > 1000
    )  # else a viewer makes it as small as it likes
    assert "var(" not in file
