"""The estimate of costs, from measurements and counts."""

from dataclasses import replace

import pytest

from benchmarks import costs
from benchmarks.costs import Measured, Prices


def test_the_guide_contains_the_current_table() -> None:
    assert costs.page() == costs.PAGE.read_text(), "run `python -m benchmarks.costs`"


def test_units_are_read_from_the_data_page() -> None:
    assert costs.units()["GET /me"] == (3, 2, 1)
    assert set(costs.IMAGE_REQUESTS) | set(costs.IMAGE_JOBS) <= costs.units().keys()


def test_a_request_costs_memory_times_duration_plus_calls() -> None:
    free = replace(Prices(), read_unit=0, write_unit=0, rest_api_call=0)
    measured = replace(Measured.read(), read_request_ms=1024 / 1769 * 10, dynamodb_wait_ms=2)
    compute, gateway, table = costs.per_million_requests(measured, free)
    calls, _, _ = costs.units()["GET /images/{id}"]
    seconds = (10 + 2 * calls) / 1e3
    assert compute.dollars == pytest.approx(1e6 * (seconds * free.lambda_gb_second + free.lambda_call))
    assert (gateway.dollars, table.dollars) == (0, 0)


def test_every_price_affects_the_total() -> None:
    measured = Measured.read()

    def bill(prices: Prices) -> float:
        lines = [*costs.per_thousand_images(measured, prices), *costs.per_million_requests(measured, prices)]
        return sum(line.dollars for line in lines)

    for name, price in vars(Prices()).items():
        assert bill(replace(Prices(), **{name: 2 * price})) > bill(Prices()), name
