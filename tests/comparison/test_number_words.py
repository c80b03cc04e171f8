"""Numbers for people: the digits that an interval deserves, in two languages."""

from __future__ import annotations

import math

import pytest

from eyechart.words import numbers


@pytest.mark.parametrize(
    ("value", "decimals", "english", "french"),
    [
        (1234.5, 1, "1,234.5", "1\u202f234,5"),
        (-0.02, 2, "-0.02", "-0,02"),
        (-0.0004, 2, "0.00", "0,00"),
        (10_000, 0, "10,000", "10\u202f000"),
        (math.nan, 2, "–", "–"),
    ],
)
def test_numbers(value: float, decimals: int, english: str, french: str) -> None:
    assert numbers.number(value, decimals) == english
    assert numbers.number(value, decimals, "fr") == french


@pytest.mark.parametrize(
    ("half", "decimals"), [(0.02, 3), (0.03, 2), (0.09, 2), (0.16, 2), (0.3, 1), (0.4, 1), (1.2, 1), (3.0, 0), (50, 0)]
)
def test_decimals_are_those_that_the_half_width_deserves(half: float, decimals: int) -> None:
    assert numbers.interval_decimals(100 - half, 100 + half) == decimals


def test_an_end_that_is_not_zero_is_not_written_as_zero() -> None:
    assert numbers.interval_decimals(0.004, 0.4) == 3
    assert numbers.interval(0.004, 0.4, numbers.interval_decimals(0.004, 0.4)) == "0.004 to 0.400"
    assert numbers.interval_decimals(0.2, 0.2) == 2, "nothing to go by"
    assert numbers.interval_decimals(0.0, 0.8) == 1, "what is 0 may be written as 0"


@pytest.mark.parametrize(
    ("p", "english", "french"),
    [
        (0.004, "p = .004", "p = 0,004"),
        (0.00042, "p < .001", "p < 0,001"),
        (0.21, "p = .21", "p = 0,21"),
        (0.03125, "p = .031", "p = 0,031"),
        (1.0, "p = 1", "p = 1"),
        (0.9999, "p = 1", "p = 1"),
        (0.0496, "p = .0496", "p = 0,0496"),
        (0.05, "p = .050", "p = 0,050"),
        (0.0996, "p = .10", "p = 0,10"),
    ],
)
def test_p_values(p: float, english: str, french: str) -> None:
    assert numbers.p_value(p) == english
    assert numbers.p_value(p, "fr") == french


def test_units_and_plurals() -> None:
    assert numbers.percent(0.0063) == "0.63 %"
    assert numbers.percent(0.0063, 2, "fr") == "0,63\u202f%"
    assert numbers.percent_interval(0.0050, 0.0081) == "0.50 to 0.81 %"
    assert numbers.percent_interval(0.0050, 0.0081, "fr") == "0,50 à 0,81\u202f%"
    assert numbers.times(1.349) == "1.35 times"
    assert numbers.times(1.349, "fr") == "1,35 fois"
    assert numbers.counted(1, "seed", "seeds") == "1 seed"
    assert numbers.counted(0, "seed", "seeds") == "0 seeds"
    assert numbers.counted(0, "graine", "graines", "fr") == "0 graine"
    assert numbers.counted(12_000, "graine", "graines", "fr") == "12\u202f000 graines"
    assert numbers.spoken_list(["a", "b", "c"], "fr") == "a, b et c"
    assert numbers.spoken_list(["a"]) == "a"
    assert [numbers.seconds(value) for value in (0.0012, 12.34, 200, 4000)] == [
        "1.2 ms", "12.3 s", "3 min 20 s", "1 h 07 min",
    ]  # fmt: skip
    assert numbers.seconds(12.34, "fr") == "12,3 s"
    assert numbers.significant(0.9997) == "1.00"
    assert numbers.significant(31_415.9, 3, "fr") == "31\u202f400"


def test_a_smaller_value_is_never_written_as_the_larger_one() -> None:
    assert numbers.decimals_in_order([1.125, 1.375], [1, 0]) == [1, 1], "1.1 and 1 would be the wrong way round"
    assert numbers.decimals_in_order([0.6, 1.5, 4.0], [2, 1, 0]) == [2, 1, 0], "in order already"
    assert numbers.decimals_in_order([2.0, 2.0], [0, 1]) == [0, 1], "equal ones are written alike"


def test_a_list_says_how_many_it_has_no_room_for() -> None:
    names = ["a", "b", "c", "d"]
    assert numbers.spoken_list(names, most=4) == "a, b, c and d"
    assert numbers.spoken_list(names, most=3) == "a, b, c and 1 more"
    assert numbers.spoken_list(names, "fr", 3) == "a, b, c et 1 autre"
    assert numbers.spoken_list(names, "fr", 2) == "a, b et 2 autres"


def test_number_and_unit_agree_as_they_are_written() -> None:
    assert numbers.with_unit(0.96, 0, "points") == "1 point"
    assert numbers.with_unit(1.0, 1, "points") == "1.0 points"
    assert numbers.with_unit(1.96, 0, "points", "fr") == "2 points"
    assert numbers.with_unit(1.94, 1, "points", "fr") == "1,9 point"


@pytest.mark.parametrize(
    ("word", "name", "told"),
    [
        ("que", "alexnet", "qu'alexnet"),
        ("de", "les deux autres", "des deux autres"),
        ("à", "les deux autres", "aux deux autres"),
        ("à", "alexnet", "à alexnet"),
        ("que", "onze autres", "que onze autres"),
    ],
)
def test_french_words_before_a_name(word: str, name: str, told: str) -> None:
    assert numbers.elided(word, name) == told
