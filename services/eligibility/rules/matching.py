"""Whom a number that is not good may mean: written in the old form of 15 digits, or with two neighbours exchanged.

Such a number only ever finds somebody who is known under the same name; nobody is recorded by it.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from stdnum.cn import ric

from shared.identity import ResidentNumber, normal_number, read_resident_number


@dataclass(frozen=True)
class Doubt:
    """A name with a number that is not good as written, and the good numbers that may be meant."""

    name: str
    given: str
    candidates: tuple[ResidentNumber, ...]


def doubt(name: str, text: str, today: date, *, born_by: date | None = None) -> Doubt | None:
    """What a number that is not good may mean; None where nothing can be made of it.

    The old form lacks the century, which was the twentieth for whoever has one, and the check digit. `born_by`: a day
    on which the person must have been alive.
    """
    given = normal_number(text)
    if len(given) == 15 and given.isascii() and given.isdigit():
        stem = f"{given[:6]}19{given[6:]}"
        spelled = [stem + ric.calc_check_digit(f"{stem}0")]
    elif len(given) == 18:
        spelled = [given[:at] + given[at + 1] + given[at] + given[at + 2 :] for at in range(17)]
    else:
        return None
    read = (read_resident_number(number, today=today) for number in dict.fromkeys(spelled))
    good = [number for number in read if isinstance(number, ResidentNumber)]
    candidates = tuple(number for number in good if born_by is None or number.birth_date <= born_by)
    return Doubt(name, given, candidates) if candidates else None


def meant(candidates: frozenset[UUID]) -> UUID | None:
    """The only known person of the name whom a doubtful number may mean; None where there is none, or several."""
    return next(iter(candidates)) if len(candidates) == 1 else None
