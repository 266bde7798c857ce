"""What the parties write down between two acts: who is who, which bill is whose, what a drawer must hold."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Slip:
    """What a household needs at the counter: the bill of one person and what is due on it."""

    bill_no: str
    amount_fen: int


@dataclass
class Drawer:
    """A shift at a counter, and the cash that must be in its drawer."""

    shift_id: str
    cash_fen: int


@dataclass
class Notebook:
    """Filled by the acts in turn."""

    persons: dict[str, str] = field(default_factory=dict)  # identity number -> person_id
    enrolments: dict[str, str] = field(default_factory=dict)  # person_id -> enrolment_id
    slips: dict[str, Slip] = field(default_factory=dict)  # person_id -> slip
    without_slip: set[str] = field(default_factory=set)  # person_ids newly enrolled
    drawers: dict[tuple[str, str], Drawer] = field(default_factory=dict)  # counter, day -> shift
    cash: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))  # counter -> shift, fen
    money: dict[tuple[str, str], str] = field(default_factory=dict)  # whose, outcome -> collection_id
    orders: dict[str, str] = field(default_factory=dict)  # identity number -> order_no at WeChat
    cases: dict[str, str] = field(default_factory=dict)  # person_id, or bill_no where nobody is known -> application_id
    taken: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # month, method
    feeds: dict[str, str] = field(default_factory=dict)  # file -> feed_id
    packages: dict[str, str] = field(default_factory=dict)  # scheme -> version
    surprises: list[str] = field(default_factory=list)

    def case_key(self, act: dict[str, Any]) -> str:
        """Under what a case stands in `cases`. Raises KeyError for somebody who is not registered."""
        return str(act["bill_no"]) if "bill_no" in act else self.persons[act["insured"]]

    def slip(self, number: str) -> Slip:
        """The bill of somebody by identity number. Raises KeyError where there is none."""
        return self.slips[self.persons[number]]

    def took(self, act: dict[str, Any], channel: str, item: dict[str, Any], amount_fen: int) -> None:
        """Note money that a channel has brought, and what became of it."""
        at = act.get("paid_at") or act["at"]
        self.taken[at[:7], channel].update({"count": 1, "amount_fen": amount_fen})
        self.money[whose(act), item["outcome"]] = item["collection_id"]

    def surprise(self, act_no: int, text: str) -> None:
        """Note that something came out otherwise than planned; the books then do not close."""
        self.surprises.append(f"act {act_no}: {text}")


def whose(act: dict[str, Any]) -> str:
    """Whose money an act is about: an identity number, or the number that stood on it where that is nobody's bill."""
    return str(act.get("bill_no") or act["insured"])
