"""What refunds decides, without I/O: whether money is due back, how an application changes, whose hands it may pass.

What a scheme states about refunds is data of its package; nothing of one notice stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, Self
from uuid import UUID

from shared.graph import Graph


class State(StrEnum):
    """退费申请: from the wish to the money, or to the reason why not."""

    REQUESTED = "requested"
    REFUSED = "refused"
    CHECKED = "checked"
    APPROVED = "approved"
    PAYING = "paying"
    PAID = "paid"
    REJECTED = "rejected"


class Act(StrEnum):
    """What happens to an application. `return` and `settle` are payments' word, the others a person's or the rules'."""

    REQUEST = "request"
    REFUSE = "refuse"
    CONFIRM = "confirm"
    REJECT = "reject"
    APPROVE = "approve"
    DECLINE = "decline"
    PAY = "pay"
    RETURN = "return"
    SETTLE = "settle"


TRANSITIONS = Graph(
    State,
    Act,
    {
        (None, Act.REQUEST): State.REQUESTED,
        (None, Act.REFUSE): State.REFUSED,
        (State.REQUESTED, Act.CONFIRM): State.CHECKED,
        (State.REQUESTED, Act.REJECT): State.REJECTED,
        (State.CHECKED, Act.APPROVE): State.APPROVED,
        (State.CHECKED, Act.DECLINE): State.REJECTED,
        (State.APPROVED, Act.PAY): State.PAYING,
        (State.PAYING, Act.SETTLE): State.PAID,
        (State.PAYING, Act.RETURN): State.APPROVED,
    },
)
"""Every way an application begins (from None) and changes; what stands here is drawn in the README."""

GRAPHS: Mapping[str, Graph[Any, Any]] = {"application": TRANSITIONS}
"""The state graphs of refunds, by the table whose rows they move."""


class Step(StrEnum):
    """What people do with an application that stands."""

    CHECK = "check"
    DECIDE = "decide"
    PAY = "pay"
    REROUTE = "reroute"


class Hand(StrEnum):
    """Through whose hands an application has passed (`sub`)."""

    APPLICANT = "requested_by"
    CHECKER = "checked_by"
    DECIDER = "decided_by"
    PAYER = "paid_by"
    REROUTER = "rerouted_by"


NOT_BY: Mapping[Step, tuple[Hand, ...]] = {
    Step.CHECK: (Hand.APPLICANT,),
    Step.DECIDE: (Hand.APPLICANT,),
    Step.PAY: (Hand.APPLICANT, Hand.CHECKER, Hand.DECIDER, Hand.REROUTER),
    Step.REROUTE: (Hand.APPLICANT, Hand.PAYER),
}
"""Four eyes (经办复核): who asks, who checks and who pays are three people; who decides neither asks nor pays.

Where a channel could not bring the money home, somebody else than who paid sends it another way, and does not pay it.
"""

SYSTEM = "system"
"""Who asks where the system itself found the money."""


class Ground(StrEnum):
    """Why money is asked back, as far as this service can see it for itself."""

    PAID_TWICE = "paid_twice"
    STATUS_RECOGNISED = "status_recognised"
    JOINED_EMPLOYEE = "joined_employee"
    DECEASED = "deceased"
    WRONG_PAYMENT = "wrong_payment"


_VOIDED_FOR: Mapping[str, Ground] = {
    "employee_insured": Ground.JOINED_EMPLOYEE,
    "deceased": Ground.DECEASED,
}


def ground_of(reason: str, because: str) -> str:
    """The ground behind a surplus that payments tells of: its reason, and registration's word behind that.

    A word that none of our grounds answers to is the ground itself; the check refuses it unless a package lists it.
    """
    if reason == "assessment_revised":
        return Ground.STATUS_RECOGNISED
    if reason == "assessment_voided":
        return _VOIDED_FOR.get(because, because)
    return Ground.PAID_TWICE


class PayoutState(StrEnum):
    """Where a payout stands with payments, as far as it has told; once it has ended the application has moved on."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    ABNORMAL = "abnormal"


AT_COUNTER = frozenset({"cash", "pos_return"})
"""Methods by which an open shift pays at once; by all others a channel does, in its time."""

_OUTCOMES: Mapping[str, str] = {"settled": "已缴清应缴单", "surplus": "多缴", "suspense": "尚待查明"}


class ReasonCode(StrEnum):
    """Why nothing is paid back."""

    NO_RULE = "no_rule"
    OUTSIDE_WINDOW = "outside_window"
    GROUND_NOT_ALLOWED = "ground_not_allowed"
    NOT_SURPLUS = "not_surplus"
    NOT_RELEASED = "not_released"
    NOT_IN_SUSPENSE = "not_in_suspense"
    NOTHING_LEFT = "nothing_left"
    NOT_CONFIRMED = "not_confirmed"
    NOT_APPROVED = "not_approved"


@dataclass(frozen=True)
class Reason:
    """One reason, in words for the applicant (S004-32) and with the notice's rules behind it."""

    code: ReasonCode
    detail: str
    rules: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {"code": self.code.value, "detail": self.detail, "rules": list(self.rules)}


@dataclass(frozen=True)
class Stated:
    """What a scheme states about refunds: days on which one may ask (both included), grounds, and where it says so.

    `person_decides`: grounds on which a person decides what the system finds after those days.
    """

    window_from: date
    window_to: date
    rules: Mapping[str, tuple[str, ...]]
    grounds: tuple[str, ...]
    person_decides: frozenset[str] = frozenset()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From the JSON that registration answers."""
        return cls(
            date.fromisoformat(data["window_from"]),
            date.fromisoformat(data["window_to"]),
            {about: tuple(ids) for about, ids in data["rules"].items()},
            tuple(data["grounds"]),
            frozenset(data["person_decides"]),
        )

    def rules_of(self, about: str) -> tuple[str, ...]:
        """The rules behind a reason or a ground; none where the notice is silent."""
        return self.rules.get(about, ())

    def rules_of_grounds(self) -> tuple[str, ...]:
        """The rules behind all grounds together, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(self.rules_of(ground) for ground in self.grounds)))


@dataclass(frozen=True)
class Collection:
    """到账: what refunds knows of the money that somebody wants back; amounts in fen.

    Its region is the place of insurance that the payment was booked to, whose agency decides (退费地, A004-13).
    """

    collection_id: UUID
    bill_no: str
    scheme: str | None
    person_id: UUID | None
    region: str
    outcome: str
    amount_fen: int
    released_fen: int
    refunding_fen: int
    refunded_fen: int
    is_reversed: bool = False

    @property
    def owed_fen(self) -> int:
        """What may go back: what was released, and all of what waits in suspense."""
        return self.amount_fen if self.outcome == "suspense" else self.released_fen

    @property
    def left_fen(self) -> int:
        """What may go back and is neither there nor on its way."""
        return 0 if self.is_reversed else max(self.owed_fen - self.refunding_fen - self.refunded_fen, 0)


@dataclass(frozen=True)
class Settlement:
    """Payments' word that money has been paid back."""

    refund_id: UUID
    application_id: UUID
    amount_fen: int
    settled_at: datetime


def judge(
    stated: Stated | None, collection: Collection, ground: str, day: date, *, late: bool = False, found: bool = False
) -> list[Reason]:
    """Why `collection` is not due back to somebody who asked for it on `day`: every reason, in order of precedence.

    `stated` None: the notice has no word about refunds. Only the period counts; the day mask of a window is for
    paying, one may ask on each of its days (A004-12). `late`: the system found it after the period, and where the
    scheme leaves that to a person the period is no reason. `found`: the system found it; what the notice does not
    regulate is then no reason either, but a matter for a person (A-X4).
    """
    reasons = _as_stated(stated, ground, day, late=late) if stated else [] if found else [_no_rule()]
    behind = stated.rules_of(ground) if stated else ()
    misfit = _misfit(ground, collection)
    if misfit:
        reasons.append(Reason(*misfit, behind))
    elif collection.left_fen <= 0:
        reasons.append(Reason(ReasonCode.NOTHING_LEFT, "该笔缴费已全部退还，没有可退金额", behind))
    return reasons


def is_left_to_a_person(stated: Stated | None, ground: str) -> bool:
    """Whether the scheme leaves it to a person when the system finds such a case after the period (A004-11)."""
    return stated is not None and ground in stated.person_decides


def seen_by(step: Step, subject: str, hands: Mapping[str, Any]) -> Hand | None:
    """In which role `subject` has had the application already, if that bars the step; None where the step is free."""
    return next((hand for hand in NOT_BY[step] if hands[hand] == subject), None)


def _no_rule() -> Reason:
    return Reason(ReasonCode.NO_RULE, "本年度参保政策没有退费规定", ())


def _misfit(ground: str, collection: Collection) -> tuple[ReasonCode, str] | None:
    """Why the money is not what a ground speaks of."""
    became = _OUTCOMES.get(collection.outcome, collection.outcome)
    if ground == Ground.PAID_TWICE and collection.outcome != "surplus":
        return ReasonCode.NOT_SURPLUS, f"该笔缴费不是多缴款（{became}）"
    if ground == Ground.WRONG_PAYMENT and collection.outcome != "suspense":
        return ReasonCode.NOT_IN_SUSPENSE, f"该笔缴费不是待查明款项（{became}）"
    if ground == Ground.STATUS_RECOGNISED and not (collection.outcome == "settled" and collection.released_fen):
        return ReasonCode.NOT_RELEASED, "参保核定未因身份认定而变更，没有应退的资助差额；身份以部门花名为准"
    whole = collection.outcome == "settled" and collection.released_fen == collection.amount_fen
    if ground in _VOIDED_FOR.values() and not whole:
        return ReasonCode.NOT_RELEASED, "参保核定未作废，没有应退的保费；以部门名册为准"
    return None


def _as_stated(stated: Stated, ground: str, day: date, *, late: bool) -> list[Reason]:
    reasons = []
    excused = late and is_left_to_a_person(stated, ground)
    if not excused and not stated.window_from <= day <= stated.window_to:
        detail = f"退费须在集中征缴期内申请（{stated.window_from}至{stated.window_to}），申请日为{day}"
        reasons.append(Reason(ReasonCode.OUTSIDE_WINDOW, detail, stated.rules_of(ReasonCode.OUTSIDE_WINDOW)))
    # A ground that a package lists before this service can look into it is refused, never believed.
    if ground not in stated.grounds or ground not in frozenset(Ground):
        detail = f"退费事由 {ground} 不在本统筹区规定的退费事由之内"
        reasons.append(Reason(ReasonCode.GROUND_NOT_ALLOWED, detail, stated.rules_of_grounds()))
    return reasons
