"""Reconciliation as the season plans it: the statement of every channel, bank, agent and day, on the morning after."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from .feeds import moment
from .plans import Plan
from .timed import Act, Timed

_PAID_BY = {"pay_wechat": "wechat", "pay_bank": "bank", "reverse_bank": "bank", "pay_unionpay": "bank"}
_BRINGS, _PROPOSES, _APPROVES = "reconciler-a", "reconciler-b", "reconciler-c"

Series = tuple[str, str, date]  # channel, institution, day


def statement_acts(plan: Plan, acts: Iterable[Timed]) -> list[Timed]:
    """Statements of the days on which a channel had something to say, and what two persons do about what is open."""
    acts = list(acts)
    found = []
    for channel, institution, day in sorted({*_told(acts), *_received(acts)}):
        of = {"channel": channel, "institution": institution, "day": day.isoformat()}
        fields = {"act": "hand_in_statement", "by": _BRINGS, **of}
        found.append(Timed(moment(day + timedelta(days=1), 10, 30), 8, fields))
    before = date.min
    for day in plan.reconciled_on:
        items = [item for act in acts for item in _to_resolve(act) if before <= date.fromisoformat(item["day"]) < day]
        found.append(Timed(moment(day, 15), 8, {"act": "propose_resolutions", "by": _PROPOSES, "items": items}))
        found.append(Timed(moment(day, 16, 30), 8, {"act": "approve_resolutions", "by": _APPROVES}))
        before = day
    return found


def _told(acts: Iterable[Timed]) -> Iterator[Series]:
    """The days of WeChat, banks and the tax bureau, and those of the terminals at the counters."""
    for act in acts:
        kind, fields = act.fields["act"], act.fields
        if kind in _PAID_BY:
            yield _PAID_BY[kind], fields.get("institution", ""), act.at.date()
        elif kind in ("confirm_tax", "confirm_tax_batch"):
            for item in fields["items"]:
                yield "etax", "", _day(item["paid_at"])
        elif kind == "pay" and fields["method"] == "pos":
            yield "counter", "", act.at.date()
        elif kind == "pay_refund" and fields["method"] in ("wechat", "pos_return"):
            yield ("wechat" if fields["method"] == "wechat" else "counter"), "", act.at.date()


def _received(acts: Iterable[Timed]) -> Iterator[Series]:
    """The days on which something came in on an agent's code or account and stayed there."""
    lines = {
        (act.fields["unit_code"], line["line_no"]): line
        for act in acts
        if act.fields["act"] == "record_lines"
        for line in act.fields["lines"]
    }
    contrary = {(unit, line.get("contrary_of")) for (unit, _), line in lines.items()}
    for (unit, number), line in lines.items():
        if line["kind"] == "payment" and line["method"] != "cash" and (unit, number) not in contrary:
            yield "agent", unit, _day(line["paid_at"])


def _to_resolve(act: Timed) -> Iterator[Act]:
    """What a channel has told wrongly, and how that is put right once its statement shows it."""
    for item in act.fields.get("items", []):
        if resolution := item.get("resolution"):
            yield {"channel": "etax", "day": item["paid_at"][:10], "insured": item["insured"], "resolution": resolution}


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).date()
