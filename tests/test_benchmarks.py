"""How benchmarks print their results, and the charts that they draw."""

import math
from xml.etree import ElementTree as ET

import pytest

from benchmarks.chart import Line, _round_up, line_chart
from benchmarks.harness import Row, read, readable

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    (
        (0.00596, "ms", "5.96 µs"),
        (0.1, "ms", "0.1 ms"),
        (12.34, "ms", "12.3 ms"),
        (999.4, "ms", "999 ms"),
        (1050.0, "ms", "1.05 s"),
        (71_639.0, "kB", "71.6 MB"),
        (0.05, "kB", "0.05 kB"),
        (100_000.0, "", "100,000"),
        (math.nan, "M", "not measured"),
    ),
)
def test_values_have_three_digits_and_a_unit_that_suits_them(value: float, unit: str, text: str) -> None:
    assert readable(value, unit) == text


@pytest.mark.parametrize(("value", "unit"), ((0.00596, "ms"), (12.3, "ms"), (1050.0, "ms"), (71_600.0, "kB"), (50, "")))
def test_a_printed_value_is_read_in_its_own_unit(value: float, unit: str) -> None:
    assert read(readable(value, unit), unit) == pytest.approx(value)


@pytest.mark.parametrize(("text", "unit"), (("5 kB", "ms"), ("not measured", "ms"), ("", "kB")))
def test_text_without_a_value_in_this_unit_is_an_error(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match="is not in"):
        read(text, unit)


@pytest.mark.parametrize(
    ("goal", "shown"),
    (
        ("", ""),
        ("≥ 2×", "≥ 2×"),
        ("≥ 2.1×", "≥ 2.1×: missed"),
        ("≥ 1,000×", "≥ 1,000×: missed"),
        ("≤ 6 ms", "≤ 6 ms"),
        ("≤ 4.9 ms", "≤ 4.9 ms: missed"),
        ("≤ 1 s", "≤ 1 s"),
    ),
)
def test_a_missed_goal_is_marked(goal: str, shown: str) -> None:
    assert Row("work", 5, "peer", 10, "ms", goal, 2.0).cells()[-1] == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    ((4166.7, "4,167×"), (28.99, "29×"), (2.34, "2.3×"), (1.011, "1.01×"), (0.0457, "0.046×"), (0, "")),
)
def test_ratios_are_never_rounded_to_nothing(ratio: float, shown: str) -> None:
    assert Row("work", 5, "peer", 10, "ms", "", ratio).cells()[4] == shown


@pytest.mark.parametrize("goal", ("fast", "≤ 5", "≤ 5 kB"))
def test_a_goal_that_cannot_be_compared_is_an_error(goal: str) -> None:
    with pytest.raises(ValueError, match=r"fast|≤ 5|5 kB"):
        _ = Row("work", 5, "peer", 10, "ms", goal, 2.0).reached


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.3, 0.5), (1, 1), (1.01, 2), (22, 25), (240, 250), (823, 1000), (1000, 1000), (1001, 2000)],
)
def test_an_axis_ends_at_a_short_number(value: float, expected: float) -> None:
    assert _round_up(value) == pytest.approx(expected)


def test_lines_begin_and_end_where_their_values_are() -> None:
    chart = ET.fromstring(line_chart([Line("a & b", [0, 50, 100])], step=20, x="uploads", y="MB"))
    (polyline,) = chart.findall(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in polyline.attrib["points"].split()]
    (left, bottom), (middle, half), (right, top) = points
    assert middle == pytest.approx((left + right) / 2)
    assert half == pytest.approx((bottom + top) / 2)
    assert top < bottom
    texts = [text.text for text in chart.findall(f"{SVG}text")]
    assert {"uploads", "MB", "a & b: 100 MB", "0", "100", "40"} <= set(texts)
