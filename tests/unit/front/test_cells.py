"""Widths in cells of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.front.cells import clusters, cut, left, right, width_of, wrapped


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("東京", 4),
        ("ﾊﾝｶｸ", 4),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),  # the same syllable in its parts
        ("e\u0301", 1),
        ("Łódź", 4),
        ("สวัสดี", 4),
        ("😀", 2),
        ("❤", 1),
        ("❤️", 2),
        ("👍🏽", 2),
        ("👩\u200d👩\u200d👧", 2),
        ("🇧🇷", 2),
        ("🇧🇷🇯🇵", 4),
        ("1️⃣", 2),
        ("❤️\u200d🔥", 2),
        (" \ufe0f", 1),  # the end of a column, and a cell that begins oddly
        (" \u200da", 2),
        (" \u0301a", 2),
        ("…", 1),
        ("─", 1),
    ],
)
def test_a_text_is_as_wide_as_terminals_draw_it(text: str, width: int) -> None:
    assert width_of(text) == width


def test_a_cut_never_divides_what_is_drawn_as_one() -> None:
    assert cut("ab👩\u200d👩\u200d👧cd", 5) == "ab👩\u200d👩\u200d👧…"
    assert cut("ab👩\u200d👩\u200d👧cd", 4) == "ab…"
    assert cut("東京都", 4) == "東…"
    assert cut("東京都", 6) == "東京都"


@given(st.text(), st.integers(1, 20))
def test_cut_and_filled_texts_have_the_width(text: str, width: int) -> None:
    assert "".join(cluster for cluster, _ in clusters(text)) == text
    short = cut(text, width)
    assert width_of(short) <= width
    assert width_of(left(short, width)) == width_of(right(short, width)) == width


@given(st.lists(st.text("ab東", min_size=1, max_size=9), max_size=6), st.integers(2, 12))
def test_wrapped_lines_fit_and_lose_nothing(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(words)
