"""What registration asks of eligibility: who the people of a list are, and which statuses they hold on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from shared.codes import Status
from shared.http import Upstream

from .rules import GivenStatus, Held


@dataclass(frozen=True, slots=True)
class Claim:
    """A person as a list names them; `row` ties the answer to the question.

    `document_kind` is eligibility's word. `birth_date` and `sex` where the number does not say them; `newborn_number`:
    by the number of the mother the person was known before.
    """

    row: int
    name: str
    number: str
    hukou: str
    residence: str
    document_kind: str = "resident_id"
    birth_date: date | None = None
    sex: Literal["male", "female"] | None = None
    newborn_number: str | None = None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of the register. `hukou` None: public security has told nothing of this person."""

    person_id: UUID
    birth_date: date
    sex: Literal["male", "female"]
    hukou: str | None
    hukou_since: date | None
    deceased_on: date | None


@dataclass(frozen=True, slots=True)
class UnknownPerson:
    """A claim that the register does not take, with every fault as (code, sentence for the clerk)."""

    faults: tuple[tuple[str, str], ...]


_PERMIT = Status.RESIDENCE_PERMIT


class EligibilityClient:
    """Eligibility's REST API, as far as registration needs it."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def resolve(self, pool: str, claims: Sequence[Claim], *, key: str) -> dict[int, KnownPerson | UnknownPerson]:
        """Who the claimed persons are, by row; at most 1,000. The same key with the same claims may be sent again.

        Raises UpstreamRefusal, Problem UPSTREAM_UNAVAILABLE.
        """
        if not claims:
            return {}
        items = [
            {
                "row": claim.row,
                "name": claim.name,
                "document": {
                    "type": claim.document_kind,
                    "number": claim.number,
                    "birth_date": claim.birth_date.isoformat() if claim.birth_date else None,
                    "sex": claim.sex,
                },
                "hukou": claim.hukou,
                "residence": claim.residence,
                "newborn_number": claim.newborn_number,
            }
            for claim in claims
        ]
        answer = await self.upstream.post("/v1/persons/resolve", {"pool": pool, "items": items}, key=key)
        return {item["row"]: _person(item) for item in answer["items"]}

    async def statuses(
        self, pool: str, as_of: date, person_ids: Sequence[UUID]
    ) -> Mapping[UUID, tuple[GivenStatus, ...]]:
        """The statuses that each person holds on a day; at most 10,000 persons. Raises like `resolve`."""
        if not person_ids:
            return {}
        asked = {"pool": pool, "as_of": as_of.isoformat(), "person_ids": [str(person_id) for person_id in person_ids]}
        answer = await self.upstream.post("/v1/statuses/query", asked)
        return {UUID(item["person_id"]): tuple(map(_status, item["statuses"])) for item in answer["items"]}

    async def every_status(self, pool: str, person_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Held, ...]]:
        """The statuses of each person with their days, past and future ones too. Raises like `resolve`.

        A residence permit is no status by which somebody is helped: whether there was one is settled when the person
        enrols.
        """
        if not person_ids:
            return {}
        asked = {"pool": pool, "every_day": True, "person_ids": [str(person_id) for person_id in person_ids]}
        answer = await self.upstream.post("/v1/statuses/query", asked)
        return {
            UUID(item["person_id"]): tuple(
                Held(_status(held), _day(held["valid_to"])) for held in item["statuses"] if held["code"] != _PERMIT
            )
            for item in answer["items"]
        }


def _person(item: Mapping[str, Any]) -> KnownPerson | UnknownPerson:
    if item["outcome"] == "refused":
        return UnknownPerson(tuple((reason["code"], reason["detail"]) for reason in item["reasons"]))
    return KnownPerson(
        person_id=UUID(item["person_id"]),
        birth_date=date.fromisoformat(item["birth_date"]),
        sex=item["sex"],
        hukou=item["hukou"],
        hukou_since=_day(item["hukou_since"]),
        deceased_on=_day(item["deceased_on"]),
    )


def _status(item: Mapping[str, Any]) -> GivenStatus:
    return GivenStatus(Status(item["code"]), item["grade"], _day(item["identified_on"]), item["school_region"])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
