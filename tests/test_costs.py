"""The estimate of costs and of what saturates first, from measurements and counts."""

from dataclasses import replace

import pytest

from argus.core.dynamo import due_shards
from benchmarks import costs, scale, usage
from benchmarks.prices import Prices
from benchmarks.usage import Measured


def test_the_page_contains_the_current_tables() -> None:
    assert costs.page() == costs.PAGE.read_text(), "run `python -m benchmarks.costs`"


def test_units_are_read_from_the_data_page() -> None:
    assert usage.units()["GET /me"] == (3, 2, 1)
    assert set(usage.IMAGE_REQUESTS) | set(usage.IMAGE_JOBS) <= usage.units().keys()


def test_every_job_that_an_image_causes_is_counted() -> None:
    """The scanner is left out; `image.check` is for uploads whose event was lost."""
    jobs = {name for name in usage.units() if name.startswith("job ")}
    assert jobs - set(usage.IMAGE_JOBS) == {"job image.check"}


def test_a_request_costs_memory_times_duration_plus_calls() -> None:
    free = replace(Prices(), read_unit=0, write_unit=0, rest_api_call=0, firewall_request=0, log_gb=0, trace=0)
    measured = replace(Measured.read(), read_request_ms=1024 / 1769 * 10, dynamodb_wait_ms=2)
    compute, *others = costs.per_million_requests(measured, free)
    calls, _, _ = usage.units()["GET /images/{id}"]
    seconds = (10 + 2 * calls) / 1e3
    assert compute.dollars == pytest.approx(1e6 * (seconds * free.lambda_gb_second + free.lambda_call))
    assert {line.dollars for line in others} == {0}


def test_every_price_affects_the_first_month() -> None:
    measured = Measured.read()
    for name, price in vars(Prices()).items():
        changed = costs.month(1, measured, replace(Prices(), **{name: 2 * price}))
        assert costs.total(changed) > costs.total(costs.month(1, measured, Prices())), name


def test_a_million_images_cost_no_more_than_the_goal_in_the_first_month() -> None:
    assert costs.total(costs.month(1, Measured.read(), Prices())) <= costs.GOAL


def test_what_is_stored_grows_and_nothing_else() -> None:
    measured, price = Measured.read(), Prices()
    first, twelfth = costs.month(1, measured, price), costs.month(12, measured, price)
    for before, after in zip(first, twelfth, strict=True):
        assert (after.dollars > before.dollars) == before.grows, before.service
    media = [line.dollars for line in twelfth if line.service == "S3, storage of media"]
    assert media == [pytest.approx(11.5 * 1e6 * sum(measured.object_kb) / 1e6 * price.s3_gb)]


def test_an_object_below_128_kb_is_backed_up_as_one_of_128_kb() -> None:
    measured, price = Measured.read(), Prices()

    def backup(kilobytes: float) -> float:
        lines = costs.month(1, replace(measured, report_kb=kilobytes), price)
        return next(line.dollars for line in lines if line.service == "AWS Backup, media")

    assert backup(1) == backup(128) < backup(129)


def test_lambda_records_the_first_trace_of_each_second_and_one_in_twenty_others() -> None:
    few = costs.WORKING_SECONDS / 2
    assert costs._traces(few) == few
    assert costs._traces(3 * costs.WORKING_SECONDS) == pytest.approx(1.1 * costs.WORKING_SECONDS)


def test_what_saturates_first_is_at_the_top_with_the_default_of_its_template() -> None:
    first, second, *others = scale.resources(Measured.read())
    assert (first.name, first.limit) == ("mapping of the queue `jobs`: workers at once", 10)
    assert (second.name, second.limit) == ("throttle of the API's stage: requests", 200)
    assert first.share >= second.share >= max(other.share for other in others)


def test_the_shards_of_the_due_index_share_its_writes() -> None:
    (due,) = (one for one in scale.resources(Measured.read()) if "due index" in one.name)
    images = scale.ORGANISATIONS * scale.IMAGES_A_DAY / scale.DAY_SECONDS
    assert due.load * len(due_shards()) == pytest.approx(2 * images)
