"""Identity numbers of invented persons (GB 11643-1999): own code, so that the suite is not tested with itself.

A number begins with the county code that was in force where and when it was given: whoever was born before 1985 got
the county's code in the former prefecture, and whoever married in from a neighbouring county carries that county's.
"""

from datetime import date
from random import Random
from typing import Literal

Sex = Literal["male", "female"]

# County codes by the first year of birth from which they were given (oldest first).
_NEIGHBOURS = (
    ((0, "142525"), (1985, "140521")),
    ((0, "142528"), (1985, "140523"), (1993, "140581")),
    ((0, "142529"), (1985, "140524")),
    ((0, "142527"), (1983, "142501"), (1985, "140511"), (1996, "140525")),
    ((0, "412223"), (1987, "410827"), (1989, "410881"), (1997, "419001")),
)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def check_digit(body: str) -> str:
    """The 18th character for the first 17 digits (ISO 7064, MOD 11-2)."""
    return _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]


def wrong_check_digit(number: str) -> str:
    """The same number with another 18th character: a slip of the pen."""
    return number[:17] + _CHECKS[(_CHECKS.index(number[17]) + 4) % 11]


def impossible_birth_date(number: str) -> str:
    """The same number with the 31st of February in it, its check digit right for that."""
    body = f"{number[:10]}0231{number[14:17]}"
    return body + check_digit(body)


class NumberBook:
    """Gives out identity numbers, each once."""

    def __init__(self, rng: Random, here: tuple[tuple[int, str], ...]) -> None:
        """`here`: the county's codes by the first year of birth from which they were given, oldest first."""
        self._rng = rng
        self._here = here
        self._given: set[str] = set()

    def give(self, birth: date, sex: Sex, *, from_elsewhere: bool = False) -> str:
        """A number for a person born that day; `from_elsewhere`: with the code of a neighbouring county."""
        codes = self._rng.choice(_NEIGHBOURS) if from_elsewhere else self._here
        county = next(code for since, code in reversed(codes) if birth.year >= since)
        while True:
            serial = self._rng.randrange(0, 490) * 2 + (1 if sex == "male" else 2)
            body = f"{county}{birth:%Y%m%d}{serial:03d}"
            number = body + check_digit(body)
            if number not in self._given:
                self._given.add(number)
                return number
