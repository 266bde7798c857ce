"""Erasure of a person's name and numbers: asked for by one person, carried out by another, and the reasons against."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.graph import Graph


class ErasureState(StrEnum):
    """删除个人信息: asked for, and what became of it."""

    REQUESTED = "requested"
    ERASED = "erased"
    DECLINED = "declined"


class ErasureAct(StrEnum):
    """What happens to a request."""

    REQUEST = "request"
    APPROVE = "approve"
    DECLINE = "decline"


ERASURE_TRANSITIONS = Graph(
    ErasureState,
    ErasureAct,
    {
        (None, ErasureAct.REQUEST): ErasureState.REQUESTED,
        (ErasureState.REQUESTED, ErasureAct.APPROVE): ErasureState.ERASED,
        (ErasureState.REQUESTED, ErasureAct.DECLINE): ErasureState.DECLINED,
    },
)


class KeptFor(StrEnum):
    """Why a person's data is still needed."""

    STATUS = "status_held"
    MERGE = "merge_open"
    MATCH = "match_open"
    LAW = "kept_by_law"
    HOLD = "pool_held"


@dataclass(frozen=True)
class Known:
    """What speaks for keeping a person's data: statuses that hold, people who still decide about the person, the day on
    which anything was recorded last, and that nothing is erased in the pool for the time being."""

    holds_status: bool
    merge_waits: bool
    match_waits: bool
    last_recorded_on: date
    pool_held: bool = False


def reasons_to_keep(known: Known, today: date, kept_days: int) -> dict[KeptFor, str]:
    """Why nothing may be erased yet, each with what to do; empty: it may.

    What was recorded may have moved money, and whom a voucher means must be told for as long as vouchers are kept.
    """
    until = known.last_recorded_on + timedelta(days=kept_days)
    found = {
        KeptFor.STATUS: ("仍有有效身份，请待其终止", known.holds_status),
        KeptFor.MERGE: ("有待处理的归并事项，请先办结", known.merge_waits),
        KeptFor.MATCH: ("有待认定的匹配事项，请先办结", known.match_waits),
        KeptFor.HOLD: ("本统筹区正在检查或诉讼，暂停删除", known.pool_held),
        KeptFor.LAW: (f"法定保存期限未满，须保存至 {until.isoformat()}", today < until),
    }
    return {reason: detail for reason, (detail, holds) in found.items() if holds}
