"""Charts as SVG: every kind renders, works on a page with other charts, and has a text for screen readers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import altair as alt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile_names import ALLOWED, NAMES, UNPRINTABLE

from creatorpool.quoting import one_line
from creatorpool.report.charts import chart_data
from creatorpool.report.nightly import drawing

CHARTS = {
    "stacked": drawing.stacked_bars(
        [{"label": "music", "part": "paid", "value": 2.0, "place": 0}], ("paid", "unallocated"), ("#111", "#222"), "USD"
    ),
    "ranked": drawing.ranked_bars([{"label": "events: liked not null", "value": 3}], "rows"),
    "lorenz": drawing.lorenz(
        [{"series": "now", "holders": 0, "money": 0}, {"series": "now", "holders": 1, "money": 1}], ["now"], "videos"
    ),
    "dots": drawing.dots([{"label": "music", "series": "now", "value": 0.5}], ["now"], "Gini"),
    "columns": drawing.paired_columns(
        [{"group": "smallest", "series": "views", "value": 0.1}], ["smallest"], ["views", "money"]
    ),
    "heat_map": drawing.heat_map([{"label": "music", "group": "smallest", "value": 0.0}], ["smallest"]),
    "histograms": drawing.histograms([{"name": "safety", "start": 0.0, "end": 0.05, "share": 1.0}], ["safety"]),
    "gains": drawing.gains_and_losses([{"label": "views", "series": "given", "value": 1.0}], "USD"),
    "intervals": drawing.interval_dots(
        [{"label": "a", "value": 1.0, "low": 0.5, "high": 2.0}], "leverage", reference=1.0
    ),
    "curves": drawing.pass_curves(
        [{"segment": "a", "quality": 0.1, "pass_rate": 0.2}],
        [{"segment": "a", "quality": 0.1, "probability": 0.3}],
        ["a"],
    ),
    "prices": drawing.gains_and_price([{"label": "a", "value": 0.5}], 0.2, "value"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_chart_renders_as_one_element_that_loads_nothing(name: str) -> None:
    text = drawing.svg(CHARTS[name], 'A "chart" <of> two')

    element = ElementTree.fromstring(
        text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="x" ', 1)
    )
    assert element.get("role") == "img"
    assert element.get("aria-label") == 'A "chart" <of> two'
    assert float(element.get("viewBox", "").split()[2]) > 150
    assert not re.search(r'(href|src)="(?!#)|url\((?!#)|<script', text)


def test_ids_of_two_charts_on_a_page_differ() -> None:
    rows = [chart_data([{"x": value}]) for value in (1, 2)]
    drawn = [drawing.svg(alt.Chart(row).mark_point(clip=True).encode(x="x:Q"), "points") for row in rows]
    names = [set(re.findall(r'\bid="([^"]+)"', text)) for text in drawn]

    assert all(names)
    assert not names[0] & names[1]
    for text, own in zip(drawn, names, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", text)) == own


def named(label: str, part: str = "paid") -> ElementTree.Element:
    """A chart with `label` on its axis, `part` in its legend, and both in its description."""
    rows = [{"label": label, "part": part, "value": 2.0, "place": 0}]
    text = drawing.svg(drawing.stacked_bars(rows, (part, "other"), ("#111", "#222"), "USD"), f"{label}: {part}")
    return ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="x" ', 1))


def shape(element: ElementTree.Element) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, without axis ticks."""
    return [(each.tag, tuple(each.attrib)) for each in element.iter()]


@settings(max_examples=12)
@given(NAMES, st.sampled_from(ALLOWED + UNPRINTABLE))
def test_any_name_is_text_of_the_chart_and_makes_no_element(label: str, part: str) -> None:
    require_text_alone(label, part)


@pytest.mark.prove
@settings(max_examples=1_000)
@given(NAMES, NAMES)
def test_any_name_is_text_of_the_chart_and_makes_no_element_in_a_long_battery(label: str, part: str) -> None:
    require_text_alone(label, part)


def require_text_alone(label: str, part: str) -> None:
    """A chart of these names has the elements of one with plain names."""
    element = named(label, part)

    assert element.get("aria-label") == f"{one_line(label)}: {one_line(part)}"
    assert set(shape(element)) <= set(shape(named("a", "b")))
    texts = [each.text or "" for each in element.iter() if each.tag.endswith("text")]
    if 0 < len(one_line(label).strip()) <= 8 and one_line(label).isascii():
        assert any(text.split() == one_line(label).split() for text in texts)


@pytest.mark.parametrize("label", [n * "a" + 30 * "😀" for n in range(4)])
def test_label_with_emoji_that_is_too_long_is_drawn_as_escapes(label: str) -> None:
    texts = "".join(named(label, "paid").itertext())

    assert "…" in texts
    assert r"\U0001f600" in texts


def test_short_label_keeps_its_emoji() -> None:
    assert "a😀" in "".join(named("a😀", "paid").itertext())


def test_label_that_looks_like_an_attribute_is_unchanged() -> None:
    rows = [{"label": label, "value": 1.0} for label in ('id="x"', "url(#x)")]
    chart = drawing.ranked_bars(rows, "rows")

    text = drawing.svg(chart, "labels")

    assert ">id=&quot;x&quot;<" in text or '>id="x"<' in text
    assert ">url(#x)<" in text
