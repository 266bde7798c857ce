"""What goes wrong on the lines between the channels and us, by the names that FAULTS knows. Changes planned acts.

Killed services, a killed database and bad rows are no matter of acts: the driver kills, and every list has bad rows.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from random import Random

from .channels import UNIONPAY
from .people import Town, stream
from .returning import Way, going_back
from .timed import Act, Timed, stamped

_SOME = 6
_FEW = 2  # each takes payments some seconds of asking
_LAST_MISREPORT = date(2021, 12, 20)
_MISREPORTS: tuple[Act, ...] = (
    {"resolution": "book", "expected": "held", "faults": ["delay"]},
    {"resolution": "correct", "expected": "suspense", "told_difference_fen": -1000},
    {"resolution": "reverse", "collected": False},
)
"""A payment that is never confirmed, one confirmed with a wrong amount, one confirmed that was never made."""


def disturb(town: Town, acts: list[Timed], faults: Collection[str]) -> list[Timed]:
    """The acts with these faults. The same town gives the same."""
    disturbed = list(acts)
    for name, change in _DISTURB.items():
        if name in faults:
            disturbed = change(town, stream(town.seed, f"fault {name}"), disturbed)
    return disturbed


def misreport(town: Town, acts: list[Timed]) -> list[Timed]:
    """The tax bureau tells of payments wrongly; its day list shows it, and two persons put our books right."""
    odd = _concerned(acts)
    told = [
        (act, item)
        for act in _plain(acts, "confirm_tax", "confirm_tax_batch")
        for item in act.fields["items"]
        if act.at.date() <= _LAST_MISREPORT and item.get("insured") not in odd
    ]
    chosen = stream(town.seed, "misreported").sample(told, min(len(_MISREPORTS), len(told)))
    wrong = []
    for (act, item), how in zip(chosen, _MISREPORTS, strict=False):
        act.fields["items"].remove(item)
        faults = {"faults": how["faults"]} if "faults" in how else {}
        said = item | {name: value for name, value in how.items() if name != "faults"}
        at = datetime.fromisoformat(item["paid_at"]).replace(tzinfo=None)
        wrong.append(Timed(at, 5, {"act": "confirm_tax", "by": "tax-bureau", "items": [said], **faults}))
    return [*(act for act in acts if act.fields.get("items") != []), *wrong]


def _concerned(acts: list[Timed]) -> set[str | None]:
    """The people about whom more is planned than that they pay; None for money of which nobody knows whose it is."""
    kinds = ("request_refund", "check_refund", "decide_case")
    named = {act.fields.get("insured") for act in acts if act.fields["act"] in kinds}
    return named.union({None}, *(act.fields.get("changes", []) for act in acts))


def _plain(acts: list[Timed], *kinds: str) -> list[Timed]:
    return [act for act in acts if act.fields["act"] in kinds and not {"fault", "faults"} & act.fields.keys()]


def _mark(rng: Random, acts: list[Timed], kind: str, fault: str, *, word: str = "faults", count: int = _SOME) -> None:
    plain = _plain(acts, kind)
    for act in rng.sample(plain, min(count, len(plain))):
        act.fields[word] = [fault] if word == "faults" else fault


def _duplicates(_town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications, confirmations and the bank's messages come twice."""
    _mark(rng, acts, "pay_wechat", "duplicate")
    _mark(rng, acts, "confirm_tax", "duplicate")
    _mark(rng, acts, "confirm_tax_batch", "duplicate")
    _mark(rng, acts, "pay_bank", "duplicate", word="fault")
    return acts


def _late(_town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications that come late, or never: payments asks."""
    _mark(rng, acts, "pay_wechat", "delay", count=_FEW)
    _mark(rng, acts, "pay_wechat", "lost", count=_FEW)
    return acts


def _reordered(_town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications that overtake one another, and a batch whose last message comes first."""
    _mark(rng, acts, "pay_wechat", "reorder", count=_FEW)
    _mark(rng, acts, "confirm_tax_batch", "reorder")
    return acts


def _late_success(town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """The tax bureau is faster: payments closes the order at WeChat, and the payer pays it all the same."""
    odd = _concerned(acts)
    late = [act for act in _plain(acts, "pay_wechat") if act.fields["insured"] not in odd]
    added = []
    for n, act in enumerate(rng.sample(late, min(_FEW, len(late)))):
        order = act.fields["order"]
        placed = next(each for each in acts if each.fields["act"] == "order_wechat" and each.fields["order"] == order)
        paid_at = act.at - timedelta(seconds=30)
        item = {
            "event": f"SW2021L{n:07d}",
            "voucher_no": f"314052229{n:09d}",
            "insured": act.fields["insured"],
            "payer_name": placed.fields["payer_name"],
            "paid_at": stamped(paid_at),
            "difference_fen": 0,
            "expected": "settled",
        }
        added.append(Timed(paid_at, 5, {"act": "confirm_tax", "by": "tax-bureau", "items": [item]}))
        act.fields.update({"faults": ["late"], "expected": "surplus"})
        added += going_back(town, {"insured": act.fields["insured"]}, act.at, Way("wechat"))
    return [*acts, *added]


def _timeouts(_town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """The line to the bank is cut before our answer is read: nobody there knows what became of the payment."""
    _mark(rng, acts, "pay_bank", "timeout", word="fault")
    return acts


def _statements(_town: Town, rng: Random, acts: list[Timed]) -> list[Timed]:
    """Files with a line that nobody paid, a wrong amount, a cut end; the channel sends better ones an hour later."""
    paid = {("wechat", act.at.date()) for act in _plain(acts, "pay_wechat")}
    paid |= {("bank", act.at.date()) for act in acts if act.fields["act"] == "pay_bank"}
    paid -= {("bank", act.at.date()) for act in acts if act.fields["act"] == "reverse_bank"}
    for act in acts:
        if act.fields["act"] in ("confirm_tax", "confirm_tax_batch"):
            paid |= {("etax", date.fromisoformat(item["paid_at"][:10])) for item in act.fields["items"]}
    paid -= {("etax", act.at.date()) for act in acts if any("resolution" in i for i in act.fields.get("items", []))}
    added = []
    for channel in sorted({channel for channel, _ in paid}):
        own = [
            act
            for act in _plain(acts, "hand_in_statement")
            if act.fields["channel"] == channel
            and act.fields["institution"] != UNIONPAY  # a zip that is cut is no file, and is refused at the door
            and (channel, date.fromisoformat(act.fields["day"])) in paid
        ]
        for fault, act in zip(("cut_end", "wrong_amount"), rng.sample(own, min(2, len(own))), strict=False):
            added.append(Timed(act.at - timedelta(minutes=45), 8, {**act.fields, "faults": [fault]}))
            if fault == "cut_end":
                judged = {"act": "judge_statements", "by": "reconciler-b"}
                added.append(Timed(act.at - timedelta(minutes=15), 8, judged))
        unknown = next((act for act in own if not any(act.at.date() == other.at.date() for other in added)), None)
        if unknown is not None:
            unknown.fields["faults"] = ["unknown_line"]
    return [*acts, *added]


_DISTURB: dict[str, Callable[[Town, Random, list[Timed]], list[Timed]]] = {
    "late_success": _late_success,
    "duplicates": _duplicates,
    "late": _late,
    "reordered": _reordered,
    "timeouts": _timeouts,
    "statements": _statements,
}
