"""Dry runs: a package over everybody who is enrolled, to see before its publication what it would change.

    claim (tx: lease) → per chunk: read, ask what they hold, judge (no transaction) → tx: changes, sums, cursor

`before` is the assessment in force. Whoever the package treats as the version does by which they were assessed keeps
it, so that lists which came too late are not taken for changes of the package. Nothing here touches an assessment.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from shared.codes import Payer, Status
from shared.database import Row

from ..formats.facts import read_facts
from ..rules import Accepted, EnrolmentKind, Held, Package, Refused, Span
from ..rules.comparing import Due, Effect, Member, due_of, effect_of, is_same, judge_member, judge_renewing
from ..store import package_runs as store
from .registration import Registration, package_of_version
from .running import CHUNK_PEOPLE, DRY_RUN, advance_run, claim_run, hold_run

Sums = dict[tuple[str, str, str], Counter[str]]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A claimed run, the package it tries, and the versions met so far that people were assessed by."""

    run: Row
    package: Package
    former: dict[str, Package]


@dataclass(frozen=True, slots=True)
class _Found:
    """One person judged: what stands, and what the package would make of it."""

    row: Row
    before: Due
    after: Accepted | Refused | None
    effect: Effect | None

    @property
    def due_after(self) -> Due | None:
        """What would be due; None where the person would be refused."""
        if self.effect is None:
            return self.before
        return due_of(self.after) if isinstance(self.after, Accepted) else None


async def judge_dry_run(service: Registration) -> bool:
    """Do one dry run that waits; whether there was one. Raises what eligibility answers; the run then waits on."""
    run = await claim_run(service, DRY_RUN)
    if run is None:
        return False
    async with service.database.reading() as tx:
        package = await package_of_version(tx, run["package_scheme"], run["package"])
    opened = _Opened(run, package, {})
    cursor, going = run["last_id"], True
    while going:
        rows = await _read(service, opened, cursor)
        held = await service.eligibility.every_status(run["pool"], [row["person_id"] for row in rows])
        found = await asyncio.to_thread(_judge, opened, rows, held)
        going = await _settle(service, opened, found, cursor)
        cursor = rows[-1]["enrolment_id"] if rows else cursor
    return True


async def _read(service: Registration, opened: _Opened, cursor: UUID | None) -> Sequence[Row]:
    """The next people, with the versions that they were assessed by."""
    run = opened.run
    async with service.database.reading() as tx:
        rows = await store.read_members(tx, run["pool"], run["scheme"], after=cursor, limit=CHUNK_PEOPLE)
        for version in {row["package"] for row in rows} - set(opened.former):
            opened.former[version] = await package_of_version(tx, run["scheme"], version)
    return rows


def _judge(opened: _Opened, rows: Sequence[Row], held: Mapping[UUID, tuple[Held, ...]]) -> list[_Found]:
    found = []
    for row in rows:
        former = opened.former[row["package"]]
        facts = read_facts(row["facts"], EnrolmentKind(row["kind"]))
        who = Member(facts, held[row["person_id"]], row["assessed_for"], row["paid_on"])
        before, alike = _due_before(row), False
        if former.benefit_year == opened.package.benefit_year:
            after = judge_member(opened.package, who)
            alike = is_same(judge_member(former, who), after)
        else:
            after = judge_renewing(opened.package, who)
        found.append(_Found(row, before, after, None if alike else effect_of(before, after)))
    return found


async def _settle(service: Registration, opened: _Opened, found: Sequence[_Found], cursor: UUID | None) -> bool:
    """Note a chunk's people and move the cursor; whether there is more to do for this worker."""
    run = opened.run
    which = {"pool": run["pool"], "run_id": run["run_id"]}
    is_last = len(found) < CHUNK_PEOPLE
    changed = [one for one in found if one.effect]
    refused = Counter(reason.code for one in changed if isinstance(one.after, Refused) for reason in one.after.reasons)
    counts = Counter("refused" if one.effect is Effect.REFUSED else "changed" for one in changed)
    counts["done"] = len(found)
    async with service.database.writing() as tx:
        if not await hold_run(tx, run, cursor):
            return False
        await store.insert_changes(tx, [{**which, **_change_row(one)} for one in changed])
        await store.add_sums(tx, [{**which, **row} for row in _sum_rows(found)])
        await store.add_refusals(
            tx, [{**which, "code": code, "persons": persons} for code, persons in sorted(refused.items())]
        )
        last_id = found[-1].row["enrolment_id"] if found else cursor
        now = service.clock.now()
        await advance_run(tx, run, last_id=last_id, is_last=is_last, counts=counts, now=now)
    return not is_last


def _due_before(row: Row) -> Due:
    lines = tuple(
        (Payer(line["payer"]), line["amount_fen"], Status(line["status"]) if line["status"] else None)
        for line in row["lines"]
    )
    cover = Span(row["covered_from"], row["covered_to"]) if row["covered_from"] else None
    return Due(row["standard_fen"], row["payable_fen"], lines, cover)


def _sum_rows(found: Sequence[_Found]) -> list[dict[str, Any]]:
    """What a chunk adds to the sums, by kind of enrolment, status that helps, and payer."""
    sums: Sums = {}
    for one in found:
        for when, due in (("before", one.before), ("after", one.due_after)):
            if due is None:
                continue
            paying = Counter[str]()  # a payer of two lines pays for one person
            for payer, amount_fen, _ in due.lines:
                paying[payer] += amount_fen
            for code, total_fen in paying.items():
                group = (one.row["kind"], due.helped_as or "", code)
                sums.setdefault(group, Counter()).update({f"persons_{when}": 1, f"{when}_fen": total_fen})
    return [
        {
            "kind": kind,
            "helped_as": helped_as,
            "payer": payer,
            **{name: told[name] for name in ("persons_before", "before_fen", "persons_after", "after_fen")},
        }
        for (kind, helped_as, payer), told in sorted(sums.items())
    ]


def _change_row(one: _Found) -> dict[str, Any]:
    row = one.row
    covered = {"from": row["covered_from"], "to": row["covered_to"]} if row["covered_from"] else None
    return {
        "enrolment_id": row["enrolment_id"],
        "person_id": row["person_id"],
        "unit_code": row["unit_code"],
        "kind": row["kind"],
        "paid": row["paid_on"] is not None,
        "effect": one.effect,
        "before": {**{name: row[name] for name in ("standard_fen", "payable_fen", "lines")}, "cover": covered},
        "after": _assessed(one.after) if isinstance(one.after, Accepted) else None,
        "reasons": [asdict(reason) for reason in one.after.reasons] if isinstance(one.after, Refused) else [],
    }


def _assessed(verdict: Accepted) -> dict[str, Any]:
    cover = verdict.cover
    return {
        "standard_fen": verdict.standard_fen,
        "payable_fen": verdict.payable_fen,
        "lines": [asdict(line) for line in verdict.lines],
        "cover": {"from": cover.starts_on, "to": cover.ends_on} if cover else None,
    }
