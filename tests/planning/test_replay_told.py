"""The span that is replayed where it is told in part, and the summary of a replay as JSON."""

import json
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from planning.errors import NothingToPlanError, ParameterError
from planning.replay_told import LINE_COLUMNS, WEEK_COLUMNS, asked_span, summary
from tests.pages.fake_replay import fake_curve, fake_result

AS_OF = date(2026, 6, 1)


def past(weeks, bucket_days=7):
    calendar = SimpleNamespace(bucket_days=bucket_days)
    return SimpleNamespace(periods=weeks * 7 // bucket_days, calendar=calendar)


@pytest.mark.parametrize(
    ("weeks", "asked", "span"),
    [
        (104, {}, (date(2025, 6, 2), date(2026, 5, 31))),
        (60, {}, (AS_OF - timedelta(weeks=34), date(2026, 5, 31))),
        (104, {"weeks": 8}, (AS_OF - timedelta(weeks=8), date(2026, 5, 31))),
        (104, {"first": date(2026, 1, 5)}, (date(2026, 1, 5), date(2026, 5, 31))),
        (104, {"last": date(2026, 4, 30), "weeks": 2}, (date(2026, 4, 17), date(2026, 4, 30))),
    ],
)
@pytest.mark.parametrize("bucket_days", [1, 7])
def test_the_span_is_what_was_asked_or_a_year_or_what_the_past_allows(weeks, asked, span, bucket_days):
    assert asked_span(past(weeks, bucket_days), AS_OF, **asked) == span


def test_a_span_that_cannot_be_says_why():
    with pytest.raises(NothingToPlanError, match="26 weeks to learn from and 8 more"):
        asked_span(past(33), AS_OF)
    with pytest.raises(ParameterError, match="not past on the morning of 2026-06-01"):
        asked_span(past(104), AS_OF, last=AS_OF)
    with pytest.raises(ParameterError, match="let it end after it begins"):
        asked_span(past(104), AS_OF, first=date(2026, 3, 2), last=date(2026, 3, 1))


def test_the_summary_is_json_without_a_number_that_is_none():
    result = fake_result()
    told = json.loads(json.dumps(summary(result, fake_curve(result)), allow_nan=False))
    assert told["policies"] == ["plan", "cover", "textbook"]
    assert list(told["against"]) == ["cover", "textbook"]
    assert told["buckets"] == 16
    assert told["totals"][1]["promised_fill_rate"] is None
    assert told["totals"][0]["promised_fill_rate"] == 0.95
    assert told["exchange_curve"][0]["total_cost"] is None
    assert set(LINE_COLUMNS) <= set(result.lines)
    assert set(WEEK_COLUMNS) <= set(result.weeks)
