"""Units of foreign columns: by the last words of their names, and by the size of their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from statistics import median

_TIME_WORDS = {
    **dict.fromkeys(("us", "micros", "microseconds"), "microseconds"),
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), "milliseconds"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
}
_CURRENCIES = frozenset({
    "aud", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "idr", "inr",
    "jpy", "krw", "mxn", "nok", "nzd", "pln", "sek", "sgd", "try", "twd", "usd", "zar",
})  # fmt: skip
_MICROS_OF = {"cent": 10_000, "cents": 10_000, "micro": 1, "micros": 1}
_MICROS_OF_UNIT = 1_000_000

TIME_WORDS = frozenset(_TIME_WORDS)
"""Words that give the unit of a time or of a duration"""
MONEY_WORDS = _CURRENCIES | frozenset(_MICROS_OF)
"""Words that give the currency or the unit of an amount"""

_EPOCHS = ((1e14, "microseconds"), (1e11, "milliseconds"), (1e8, "seconds"))
_PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
_FIRST_LIKELY, _LAST_LIKELY = 1_100_000_000, 2_500_000_000
"""Seconds since 1970 that are likely moments of a log: of 2004 to 2049"""
_LONGEST_SECONDS = 1_000
"""Times whose median is less are taken for seconds where their name does not tell"""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def name_words(name: str) -> tuple[str, ...]:
    """The words of a column's name in lower case: `lengthMs` and `LENGTH_MS` have `length` and `ms`."""
    return tuple(word.lower() for word in _WORD.findall(name))


def time_unit(name: str) -> str | None:
    """The unit that a name gives to a time or to a duration: the last of its words that is a unit; else None."""
    named = next((_TIME_WORDS[word] for word in reversed(name_words(name)) if word in _TIME_WORDS), None)
    if named is None and re.search("ms$|milli", name.lower()):
        return "milliseconds"
    return "seconds" if named is None and "sec" in name.lower() else named


def epoch_unit(name: str, values: Sequence[str]) -> str | None:
    """The unit in which a column counts from 1970; None if most values are no numbers, or the numbers are too small.

    The size of the readable values tells it, because a wrong unit is off by centuries; without values, the name does.
    """
    if not values:
        return time_unit(name)
    typical = _typical(values)
    return next((unit for least, unit in _EPOCHS if typical is not None and typical >= least), None)


def are_moments(values: Sequence[str]) -> bool:
    """Whether most of the values are moments of 2004 to 2049, counted from 1970, or texts with a date and a time."""
    unit = epoch_unit("", values) if values else None
    if unit is not None:
        count = sum(_FIRST_LIKELY <= number / _PER_SECOND[unit] <= _LAST_LIKELY for number in _numbers(values))
    else:
        count = sum(_MOMENT.match(value) is not None for value in values)
    return count > len(values) / 2


def micros_of_time(name: str, values: Sequence[str]) -> int:
    """Microseconds in one unit of a duration: as its name says, else seconds if its values are small, else ms."""
    typical = _typical(values)
    is_short = typical is not None and typical < _LONGEST_SECONDS
    unit = time_unit(name) or ("seconds" if is_short else "milliseconds")
    return 1_000_000 // _PER_SECOND[unit]


def micros_of_money(name: str) -> int:
    """Micros of the currency in one unit of an amount, as its name says: micros, cents, or whole units."""
    if "micro" in name.lower():
        return 1
    return next((_MICROS_OF[word] for word in name_words(name) if word in _MICROS_OF), _MICROS_OF_UNIT)


def currency(name: str) -> str | None:
    """The ISO 4217 code in the name of an amount, such as EUR in `money_eur`; None if it has none."""
    return next((word.upper() for word in name_words(name)[1:] if word in _CURRENCIES), None)


def _typical(values: Sequence[str]) -> float | None:
    """The median of the values that are numbers; None unless they are more than half of all."""
    numbers = _numbers(values)
    return median(numbers) if len(numbers) > len(values) / 2 else None


def _numbers(values: Sequence[str]) -> list[float]:
    return [number for number in map(_number, values) if number is not None]


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None
