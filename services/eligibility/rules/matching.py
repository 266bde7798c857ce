"""Whom a row without a good number may mean, in this order: its number with two neighbours exchanged or in the old form
of 15 digits, then its name with birth date and place of the hukou.

Such a row only ever finds somebody who is known under the same name; nobody is recorded by it. Where several may be
meant, or the place does not say which, a clerk decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.identity import ResidentNumber, normal_number, read_resident_number

from .documents import DocumentKind, old_form, true_kind


class MatchedBy(StrEnum):
    """How a person was found."""

    NUMBER = "number"
    OLD_FORM = "old_form"
    TRANSPOSITION = "transposition"
    NAME_BIRTH_REGION = "name_birth_region"
    DECISION = "decision"


@dataclass(frozen=True)
class Doubt:
    """A name with a number that is not good as written, or none, and the good numbers that may be meant; with the birth
    date and the place of the hukou as far as they were told beside it."""

    name: str
    given: str
    candidates: tuple[tuple[DocumentKind, str], ...]
    birth_date: date | None = None
    region: str | None = None

    @property
    def by(self) -> MatchedBy:
        """What it means that one of the candidates is known."""
        return MatchedBy.OLD_FORM if old_form(self.given) else MatchedBy.TRANSPOSITION

    @property
    def beside(self) -> tuple[str, ...]:
        """Birth date and place, which belong to what a decision is remembered by where no number does."""
        if self.candidates:
            return ()
        return ("" if self.birth_date is None else self.birth_date.isoformat(), self.region or "")

    @property
    def key(self) -> tuple[str, ...]:
        """What a decision about it is remembered by."""
        return (self.given, self.name, *self.beside)


def doubt(
    name: str,
    text: str,
    today: date,
    *,
    born_by: date | None = None,
    birth_date: date | None = None,
    region: str | None = None,
) -> Doubt | None:
    """What a number that is not good may mean; None where nothing can be made of it and of what stands beside it.

    `born_by`: a day on which the person must have been alive.
    """
    given = normal_number(text)
    if modern := old_form(given):
        spelled = [modern]
    elif len(given) == 18:
        spelled = [given[:at] + given[at + 1] + given[at] + given[at + 2 :] for at in range(17)]
    else:
        spelled = []
    read = (read_resident_number(number, today=today) for number in dict.fromkeys(spelled))
    good = [number for number in read if isinstance(number, ResidentNumber)]
    candidates = tuple(
        (true_kind(DocumentKind.RESIDENT_ID, number.number), number.number)
        for number in good
        if born_by is None or number.birth_date <= born_by
    )
    if not name or not (candidates or birth_date):
        return None
    return Doubt(name, given, candidates, birth_date, region or None)


def meant(candidates: Iterable[UUID]) -> UUID | None:
    """The only known person whom a doubtful number may mean; None where there is none, or several."""
    found = set(candidates)
    return found.pop() if len(found) == 1 else None


def meant_by_name(region: str | None, found: Iterable[tuple[UUID, str | None]]) -> UUID | None:
    """The only one of the persons of a name and birth date whose hukou lies where the row says; None where the row says
    no place, or there is none, or several. `found`: persons with the place of their hukou as known."""
    if region is None:
        return None
    return meant(person_id for person_id, hukou in found if hukou and hukou.startswith(region))
