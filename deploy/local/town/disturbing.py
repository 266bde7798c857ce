"""What goes wrong on the lines between the channels and us, by the names that FAULTS knows. Changes planned acts.

Killed services, a killed database and bad rows are no matter of acts: the driver kills, and every list has bad rows.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from random import Random

from .people import stream
from .timed import Timed, stamped

_SOME = 6
_FEW = 2  # each takes payments some seconds of asking


def disturb(seed: int, acts: list[Timed], faults: Collection[str]) -> list[Timed]:
    """The acts with these faults. The same seed gives the same."""
    disturbed = list(acts)
    for name, change in _DISTURB.items():
        if name not in faults:
            continue
        disturbed = change(stream(seed, f"fault {name}"), disturbed)
    return disturbed


def _plain(acts: list[Timed], *kinds: str) -> list[Timed]:
    return [act for act in acts if act.fields["act"] in kinds and not {"fault", "faults"} & act.fields.keys()]


def _mark(rng: Random, acts: list[Timed], kind: str, fault: str, *, word: str = "faults", count: int = _SOME) -> None:
    plain = _plain(acts, kind)
    for act in rng.sample(plain, min(count, len(plain))):
        act.fields[word] = [fault] if word == "faults" else fault


def _duplicates(rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications, confirmations and the bank's messages come twice."""
    _mark(rng, acts, "pay_wechat", "duplicate")
    _mark(rng, acts, "confirm_tax", "duplicate")
    _mark(rng, acts, "confirm_tax_batch", "duplicate")
    _mark(rng, acts, "pay_bank", "duplicate", word="fault")
    return acts


def _late(rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications that come late, or never: payments asks."""
    _mark(rng, acts, "pay_wechat", "delay", count=_FEW)
    _mark(rng, acts, "pay_wechat", "lost", count=_FEW)
    return acts


def _reordered(rng: Random, acts: list[Timed]) -> list[Timed]:
    """Notifications that overtake one another, and a batch whose last message comes first."""
    _mark(rng, acts, "pay_wechat", "reorder", count=_FEW)
    _mark(rng, acts, "confirm_tax_batch", "reorder")
    return acts


def _late_success(rng: Random, acts: list[Timed]) -> list[Timed]:
    """The tax bureau is faster: payments closes the order at WeChat, and the payer pays it all the same."""
    late = _plain(acts, "pay_wechat")
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
    return [*acts, *added]


def _timeouts(rng: Random, acts: list[Timed]) -> list[Timed]:
    """The line to the bank is cut before our answer is read: nobody there knows what became of the payment."""
    _mark(rng, acts, "pay_bank", "timeout", word="fault")
    return acts


def _statements(rng: Random, acts: list[Timed]) -> list[Timed]:
    """Files with a line that nobody paid, a wrong amount, a cut end; the channel sends better ones an hour later."""
    found = [act for act in _plain(acts, "hand_in_statement") if act.at.month <= 12 and act.at.year == 2021]
    added = []
    for channel in sorted({act.fields["channel"] for act in found}):
        own = [act for act in found if act.fields["channel"] == channel]
        for fault, act in zip(("cut_end", "wrong_amount"), rng.sample(own, min(2, len(own))), strict=False):
            added.append(Timed(act.at - timedelta(minutes=45), 8, {**act.fields, "faults": [fault]}))
            if fault == "cut_end":
                judged = {"act": "judge_statements", "by": "reconciler-b"}
                added.append(Timed(act.at - timedelta(minutes=15), 8, judged))
        unknown = next((act for act in own if not any(act.at.date() == other.at.date() for other in added)), None)
        if unknown is not None:
            unknown.fields["faults"] = ["unknown_line"]
    return [*acts, *added]


_DISTURB: dict[str, Callable[[Random, list[Timed]], list[Timed]]] = {
    "late_success": _late_success,
    "duplicates": _duplicates,
    "late": _late,
    "reordered": _reordered,
    "timeouts": _timeouts,
    "statements": _statements,
}
