"""Where times lie on an axis: to scale, and with room for what is missing."""

import pytest

from mp_mcp.charts.times import scale_of


@pytest.mark.parametrize(
    ("times", "places"),
    [
        (["2025-01-01", "2025-01-02", "2025-01-04"], [0, 1, 3]),
        (["2025-01-06", "2025-01-13", "2025-01-27"], [0, 1, 3]),
        (["2025-01-01", "2025-02-01", "2025-04-01"], [0, 1, 3]),
        (["2024-10", "2024-11", "2025-02"], [0, 1, 4]),
        (["2021", "2022", "2025"], [0, 1, 4]),
        (["2025-01-01 13:00:00", "2025-01-01 14:00:00", "2025-01-01 17:00:00"], [0, 1, 4]),
        (
            ["2025-03-29T00:00:00+01:00", "2025-03-30T00:00+01:00", "2025-03-31T00:00+02:00"],
            [0, 1, 2],
        ),
    ],
)
def test_missing_steps_keep_their_places(times: list[str], places: list[float]) -> None:
    scale = scale_of(times)
    assert scale.is_regular
    assert scale.places == places
    assert scale.has_gaps() == (places[-1] > 2)


def test_a_place_has_its_time_back() -> None:
    assert f"{scale_of(['2024-11', '2024-12']).at(3):%Y-%m-%d}" == "2025-02-01"
    assert f"{scale_of(['2025-01-31', '2025-02-01']).at(2):%Y-%m-%d}" == "2025-02-02"


def test_uneven_times_have_no_steps_to_miss() -> None:
    scale = scale_of(["2025-01-01 00:00:00", "2025-01-01 00:00:02", "2025-01-01 00:00:07"])
    assert scale.places == [0, 1, 3.5]
    assert not scale.is_regular
    assert not scale.has_gaps()


@pytest.mark.parametrize(
    "times",
    [
        ["2025-01-02", "2025-01-01"],
        ["2025-01-01", "2025-01-01"],
        ["Monday", "Tuesday"],
        ["2025-02-30", "2025-03-01"],
        ["infinity", "2025"],
    ],
)
def test_what_is_no_time_or_does_not_increase_has_no_scale(times: list[str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        scale_of(times)
