"""Reconciliation as the season plans it: the statement of every channel, bank and day, on the morning after."""

from collections.abc import Iterable
from datetime import date, timedelta

from .feeds import moment
from .timed import Timed

RECKONED: tuple[str, ...] = ("wechat", "bank", "etax")
"""The channels whose statements are handed in."""
_PAID_BY = {"pay_wechat": "wechat", "pay_bank": "bank", "reverse_bank": "bank"}
_BRINGS, _PROPOSES, _APPROVES = "reconciler-a", "reconciler-b", "reconciler-c"


def statement_acts(acts: Iterable[Timed]) -> list[Timed]:
    """Statements of the days on which a channel had something to say; in the end two persons look at what is open."""
    series: set[tuple[str, str, date]] = set()
    for act in acts:
        kind, fields = act.fields["act"], act.fields
        if kind in _PAID_BY:
            series.add((_PAID_BY[kind], fields.get("institution", ""), act.at.date()))
        elif kind in ("confirm_tax", "confirm_tax_batch"):
            series |= {("etax", "", date.fromisoformat(item["paid_at"][:10])) for item in fields["items"]}
        elif kind == "pay_refund" and fields["method"] == "wechat":
            series.add(("wechat", "", act.at.date()))
    found = []
    for channel, institution, day in sorted(series):
        if channel in RECKONED:
            of = {"channel": channel, "institution": institution, "day": day.isoformat()}
            fields = {"act": "hand_in_statement", "by": _BRINGS, **of}
            found.append(Timed(moment(day + timedelta(days=1), 10, 30), 8, fields))
    if found:
        for hour, what, by in ((9, "propose_resolutions", _PROPOSES), (15, "approve_resolutions", _APPROVES)):
            found.append(Timed(moment(date(2021, 12, 31), hour), 8, {"act": what, "by": by}))
    return found
