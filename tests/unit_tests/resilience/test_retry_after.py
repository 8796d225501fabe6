"""How long a server asks to wait, by whatever header it says so."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import formatdate
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._resilience.retry_after import parse_retry_after

NOW = 1_763_700_000.0  # a day in November 2025


def wait(**headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_retry_after(named, now=NOW)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *(("2", 2.0), ("0", 0.0), (" 2.5 ", 2.5), ("1e2", 100.0), ("86400", 86400.0)),
        *(
            ("2s", 2.0),
            ("1m30.5s", 90.5),
            ("250ms", 0.25),
            ("1h", 3600.0),
            ("1d", 86400.0),
        ),
        *(
            (formatdate(NOW + 30, usegmt=True), 30.0),
            (formatdate(NOW - 30, usegmt=True), 0.0),
        ),
        (formatdate(NOW + 30, localtime=False), 30.0),
        ("Fri, 21 Nov 2025 04:40:30 -0000", 30.0),
        ("Fri, 21 Nov 2025 06:40:30 +0200", 30.0),
        ("Mon, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_seconds_durations_and_dates_are_read(said: str, seconds: float) -> None:
    assert wait(retry_after=said) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "",
            " ",
            "soon",
            "-1",
            "-0.5",
            "nan",
            "inf",
            "-inf",
            "1e999",
            "0x10",
            "1 2",
            ",",
        ),
        *(
            "Mon, 99 Foo 2026 25:61:61 GMT",
            "Mon, 01 Jan 99999 00:00:00 GMT",
            "1s2",
            "s",
            "1y",
        ),
        *(
            "Mon, 01 Jan 2026 00:00:00 +99999999",
            "9" * 400 + "s",
            "\u0663s",
            "2026-11-21",
        ),
    ],
)
def test_nonsense_is_no_wait(said: str) -> None:
    assert wait(retry_after=said) is None
    assert wait(retry_after_ms=said, retry_after="3") == 3.0


def test_milliseconds_come_first() -> None:
    assert wait(retry_after_ms="1500", retry_after="9") == 1.5
    assert wait(retry_after_ms="0", retry_after="9") == 0.0
    assert wait(retry_after_ms="-5", retry_after="9") == 9.0


def test_nothing_said_is_no_wait() -> None:
    assert wait() is None
    assert wait(content_type="text/plain") is None


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        *(("7", 7.0), ("1m30.5s", 90.5), ("6m0s", 360.0), ("20ms", 0.02), ("0", 0.0)),
        *((str(NOW + 5), 5.0), (str(int((NOW + 5) * 1000)), 5.0), (str(NOW - 5), 0.0)),
        *(("soon", None), ("", None), ("-1", None), ("nan", None)),
    ],
)
@pytest.mark.parametrize("kind", ["", "-requests", "-tokens"])
def test_a_limit_that_is_used_up_says_when_it_is_reset(
    kind: str, reset: str, seconds: float | None
) -> None:
    headers = {f"x-ratelimit-remaining{kind}": "0", f"x-ratelimit-reset{kind}": reset}
    found = parse_retry_after(headers, now=NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_the_limit_that_is_used_up_counts_and_not_the_others() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "99",
        "x-ratelimit-reset-requests": "1h",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "3s",
    }
    assert parse_retry_after(headers, now=NOW) == 3.0


def test_a_general_reset_stands_in_for_one_that_is_missing() -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset": "4"}
    assert parse_retry_after(headers, now=NOW) == 4.0
    assert parse_retry_after({"x-ratelimit-reset": "4"}, now=NOW) == 4.0


@pytest.mark.parametrize("kind", ["", "-requests", "-tokens"])
def test_a_limit_that_is_not_used_up_is_no_reason_to_wait(kind: str) -> None:
    headers = {f"x-ratelimit-remaining{kind}": "12", f"x-ratelimit-reset{kind}": "3600"}
    assert parse_retry_after(headers, now=NOW) is None
    assert parse_retry_after({**headers, "x-ratelimit-reset": "3600"}, now=NOW) is None


def test_what_the_server_asks_for_comes_before_its_limits() -> None:
    headers = {
        "retry-after": "2",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "60",
    }
    assert parse_retry_after(headers, now=NOW) == 2.0


NAMES = st.sampled_from(
    [
        *(
            "retry-after",
            "retry-after-ms",
            "x-ratelimit-reset",
            "x-ratelimit-remaining",
        ),
        *("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
        *("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ]
)
VALUES = (
    st.text(max_size=12)
    | st.text("0123456789.smhd -+e:,GMTJanov", max_size=30)
    | st.floats().map(str)
    | st.integers().map(str)
    | st.floats(-1e11, 1e11).map(lambda moment: formatdate(moment % 2e11, usegmt=True))
)


@given(st.dictionaries(NAMES, VALUES), st.floats(0, 4e9))
def test_any_headers_give_a_sane_wait_or_none(
    headers: dict[str, str], now: float
) -> None:
    found = parse_retry_after(headers, now=now)
    assert found is None or (math.isfinite(found) and found >= 0)


def test_a_long_header_is_read_in_time_by_its_length_only() -> None:
    start = perf_counter()
    for said in (
        "1" * 100_000,
        "1s" * 50_000 + "x",
        "1." * 50_000,
        "(" * 5_000,
        "a:" * 20_000,
    ):
        wait(retry_after=said)
    assert perf_counter() - start < 5


def test_a_reset_counts_though_nothing_says_what_is_left() -> None:
    one = {"x-ratelimit-reset-requests": "2s"}
    assert parse_retry_after(one, now=NOW) == 2.0
    both = {**one, "x-ratelimit-reset-tokens": "500ms"}
    assert parse_retry_after(both, now=NOW) == 2.0


@pytest.mark.parametrize("name", ["retry-after", "x-ratelimit-reset"])
def test_a_date_may_be_iso(name: str) -> None:
    date = datetime.fromtimestamp(NOW + 30, tz=UTC).isoformat()
    for said in (date, date.replace("+00:00", "Z")):
        assert parse_retry_after({name: said}, now=NOW) == pytest.approx(30.0)
