"""Which keys are in use, the invariant, the alarm and the job, the same in every service."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from .. import tokens
from ..invariants import Invariant
from ..jobs import Job
from ..problem import declare
from ..tokens import Caller
from . import store
from .walking import Rotation

_EVERY_SECONDS = 30


class KeyInUse(BaseModel):
    """How many values of one column lie under one key."""

    subject: str = Field(description="Table and column", examples=["person.name_sealed"])
    kind: str = Field(
        description="`data` (sealed values) or `lookup` (hashes by which they are found)", examples=["data"]
    )
    key: str = Field(description="Name of the key; empty for the look-up key without a name", examples=["k1"])
    count: int = Field(description="Values under it, in all pools", examples=[125000])
    current: bool = Field(description="Whether new values are written under it", examples=[False])
    known: bool = Field(description="Whether the service has the key; without it the values are lost", examples=[True])


class KeyWalk(BaseModel):
    """How far a column of a pool is in being brought under the current keys."""

    pool: str = Field(description="Pooling area (统筹区)", examples=["990101"])
    subject: str = Field(description="Table and column", examples=["person.name_sealed"])
    key: str = Field(description="Name of the key it is brought under", examples=["k2"])
    lookup_key: str = Field(description="The same of the look-up key", examples=["n2"])
    since: datetime = Field(description="Since when it is brought under them", examples=["2030-11-02T09:00:00+08:00"])
    begun_at: datetime = Field(description="When this walk began", examples=["2030-11-02T09:00:00+08:00"])
    seen: int = Field(description="Rows this walk has gone through", examples=[125000])
    changed: int = Field(description="Of these sealed anew", examples=[124990])
    passed_over: int = Field(description="Of these left to the next walk: somebody was at them", examples=[10])
    finished_at: datetime | None = Field(description="When this walk ended", examples=[None])


class SealingKeys(BaseModel):
    """The keys of personal data: which ones are known, where they are used, and whether one may be taken away."""

    current: str | None = Field(description="Key that values are sealed with; null: none is set", examples=["k2"])
    lookup_current: str | None = Field(description="Key that hashes are written with", examples=["n2"])
    announced: bool = Field(
        description="Whether a newer key is known with which nothing is written yet", examples=[False]
    )
    unused: list[str] = Field(description="Sealing keys that are known and under which nothing lies", examples=[["k1"]])
    lookup_unused: list[str] = Field(description="The same of look-up keys; the one without a name is `lookup`",
                                     examples=[["lookup"]])  # fmt: skip
    items: list[KeyInUse] = Field(description="Every column and key under which values lie", examples=[[]])
    walks: list[KeyWalk] = Field(description="One entry per pool and column", examples=[[]])


def routes(rotation: Rotation) -> APIRouter:
    """`/v1/sealing-keys`: names of keys and counts, nothing secret."""
    router = APIRouter(tags=["operation"])
    Reading = Annotated[Caller, Depends(tokens.needs(f"{rotation.service}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/sealing-keys", response_model=SealingKeys, responses=declare(*tokens.DECLARED))
    async def list_sealing_keys(caller: Reading) -> Any:
        """Under which keys personal data lies, counted now, and how far a change of keys is. Needs a token for all
        areas."""
        caller.require_region("")
        sealer = rotation.keys
        if sealer is None:
            return SealingKeys(
                current=None, lookup_current=None, announced=False, unused=[], lookup_unused=[], items=[], walks=[]
            )
        names = {"data": sealer.names, "lookup": sealer.lookup_names}
        current = {"data": sealer.current, "lookup": sealer.lookup_current}
        async with rotation.database.reading() as tx:
            items = [
                {
                    **row,
                    "subject": column.subject,
                    "current": row["key"] == current[row["kind"]],
                    "known": row["key"] in names[row["kind"]],
                }
                for column in rotation.columns
                for row in await store.keys_in_use(tx, column)
            ]
            walks = await store.walks(tx)
        used = {(item["kind"], item["key"]) for item in items}
        free = {
            kind: [name or "lookup" for name in names[kind] if (kind, name) not in used and name != current[kind]]
            for kind in names
        }
        return {
            "current": sealer.current,
            "lookup_current": sealer.lookup_current,
            "announced": sealer.announces,
            "unused": free["data"],
            "lookup_unused": free["lookup"] if any(column.hashed for column in rotation.columns) else [],
            "items": items,
            "walks": walks,
        }

    return router


def jobs(rotation: Rotation) -> Sequence[Job]:
    """What a change of keys does without a request."""
    return [Job("change_keys", _EVERY_SECONDS, partial(rotation.walk))]


def invariants(rotation: Rotation) -> Sequence[Invariant]:
    """Nothing is lost: every value lies under a key that the service has."""
    if rotation.keys is None:
        return []
    found = [
        f"select t.pool, '{column.subject}' as subject from {column.table.name} t "
        f"where {column.only} and {store.unknown(column, rotation.keys, 't')}"
        for column in rotation.columns
    ]
    return [Invariant("sealed_with_a_known_key", "Personal data lies under keys of the settings", _all(found))]


def alarms(rotation: Rotation) -> Sequence[Invariant]:
    """Keys that were changed and are still in use."""
    if rotation.keys is None:
        return []
    limit = f"interval '{rotation.within.total_seconds():.0f} seconds'"
    found = [
        f"select t.pool, '{column.subject}' as subject from {column.table.name} t join key_walk w on w.pool = t.pool "
        f"and w.subject = '{column.subject}' where w.since < cast(:now as timestamptz) - {limit} and {column.only} "
        f"and {store.stale(column, rotation.keys, 't')}"
        for column in rotation.columns
    ]
    meaning = f"Within {rotation.within.days} days of a change of keys nothing lies under the key of before"
    return [Invariant("sealed_with_the_current_key", meaning, _all(found))]


def _all(found: Sequence[str]) -> str:
    return " union all ".join(found)
