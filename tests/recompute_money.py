"""The money of a season worked out again, channel by channel. Part of recompute_season.py: no code of the services."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

WINDOW = (date(2021, 9, 1), date(2021, 12, 25))  # S004-03, S004-06, S004-08
LAST_DAY_OF_MONTH = 25  # S004-07
CHANNELS = ("wechat", "bank", "etax", "counter", "agent")

Act = dict[str, Any]


@dataclass(eq=False)
class Coming:
    """Money that came once through a channel: what it was for, what it did, and what became of it."""

    channel: str
    number: str
    fen: int
    outcome: str  # settled | surplus | suspense
    taken_back: bool = False  # 冲正, or a contrary line
    owed_back: int = 0
    paid_back: int = 0
    voided: bool = False


@dataclass(eq=False)
class Enrolled:
    """Somebody who is enrolled: who pays how much of the premium, and what came in for it."""

    lines: dict[str, int]
    paid_by: Coming | None = None

    @property
    def owes(self) -> int:
        """The person's own part."""
        return self.lines.get("person", 0)

    @property
    def claims(self) -> dict[str, int]:
        """What others pay, once the person's own part is settled."""
        if self.owes and self.paid_by is None:
            return {}
        return {payer: fen for payer, fen in self.lines.items() if payer != "person"}


def closed(day: date) -> bool:
    """Whether no premium is taken that day (S004-06 to S004-08; holidays make no difference, A004-2)."""
    return not (WINDOW[0] <= day <= WINDOW[1] and day.day <= LAST_DAY_OF_MONTH)


def day_of(instant: str) -> date:
    """The day of an instant, as the acts write it (all in Asia/Shanghai)."""
    return datetime.fromisoformat(instant).date()


@dataclass
class Money:
    """All that came, went back, and was owed by others."""

    enrolled: dict[str, Enrolled] = field(default_factory=dict)
    comings: list[Coming] = field(default_factory=list)
    seen: dict[tuple[str, ...], Coming] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)  # order -> who is insured
    steps: dict[str, list[str]] = field(default_factory=dict)
    lines: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # channel, bank, day -> lines in its file
    files: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)  # the last file, and what is wrong in it
    exceptions: int = 0
    claims_received: Counter[str] = field(default_factory=Counter)
    entered: dict[str, int] = field(default_factory=dict)
    refunds_paid: int = 0
    refund_cases: int = 0
    refunds_refused: int = 0

    # What comes

    def come(self, key: tuple[str, ...], number: str, paid_at: str, difference_fen: int = 0) -> Coming:
        """Money for somebody through the channel `key[0]`; the same key is the same money, whatever comes twice."""
        if key in self.seen:
            return self.seen[key]
        bill, fen = self.enrolled[number], self.enrolled[number].owes + difference_fen
        if bill.paid_by is not None:
            outcome = "surplus"
        elif fen != bill.owes or closed(day_of(paid_at)):
            outcome = "suspense"
        else:
            outcome = "settled"
        coming = Coming(key[0], number, fen, outcome)
        if outcome == "settled":
            bill.paid_by = coming
        else:
            coming.owed_back = fen
            self.refund_cases += outcome == "surplus"  # suspense waits for somebody who asks
        self.seen[key] = coming
        self.comings.append(coming)
        self.lines[key[0], key[1] if key[0] == "bank" else "", paid_at[:10]] += 1
        return coming

    def take_back(self, coming: Coming) -> None:
        """The channel takes back what it had reported: the receipt is void, the bill is open again."""
        coming.taken_back = True
        coming.voided = coming.outcome != "suspense"
        bill = self.enrolled[coming.number]
        if bill.paid_by is coming:
            bill.paid_by = None

    def on_pay(self, act: Act) -> None:
        """At a counter. Cash for a closed day or a paid bill stays with the payer; a charged card is never refused."""
        bills = [self.enrolled[number] for number in act["insured"]]
        if act["method"] == "cash" and (closed(day_of(act["at"])) or any(bill.paid_by for bill in bills)):
            return
        for number in act["insured"]:
            self.come(("counter", str(act["n"]), number), number, act["at"])

    def on_order_wechat(self, act: Act) -> None:
        """An order is no money yet."""
        self.orders[act["order"]] = act["insured"]

    def on_pay_wechat(self, act: Act) -> None:
        """The payer pays an order."""
        if act.get("expected") != "refused":
            self.come(("wechat", act["order"]), self.orders[act["order"]], act["at"])

    def on_pay_bank(self, act: Act) -> None:
        """A bank asks first whether the bill is open, and for how much; what it takes without asking is money too."""
        bill, asks = self.enrolled[act["insured"]], act.get("fault") != "unasked"
        if not asks or (bill.paid_by is None and not closed(day_of(act["at"])) and not act["difference_fen"]):
            self.come(("bank", act["institution"], act["serial"]), act["insured"], act["at"])

    def on_reverse_bank(self, act: Act) -> None:
        """The bank takes a payment back on the same day."""
        self.take_back(self.seen["bank", act["institution"], act["serial"]])
        self.lines["bank", act["institution"], act["at"][:10]] += 1

    def on_confirm_tax(self, act: Act) -> None:
        """The tax bureau confirms what it has collected; that money is never refused."""
        for item in act["items"]:
            self.come(("etax", item["event"]), item["insured"], item["paid_at"], item["difference_fen"])

    on_confirm_tax_batch = on_confirm_tax

    def on_record_lines(self, act: Act) -> None:
        """Lines of an agent's ledger; a contrary line takes an earlier one back."""
        for line in sorted(act["lines"], key=lambda line: int(line["line_no"])):
            key = ("agent", act["unit_code"], str(line["line_no"]))
            if line["kind"] == "payment":
                self.come(key, line["insured"], line["paid_at"], line["difference_fen"])
            elif key not in self.seen:
                coming = self.seen[key] = self.seen["agent", act["unit_code"], str(line["contrary_of"])]
                self.take_back(coming)

    # What the channels say themselves

    def on_hand_in_statement(self, act: Act) -> None:
        """The channel's file of a day. A later one takes the place of an earlier; what that opened stays counted."""
        faults = act.get("faults", [])
        self.files[act["channel"], act["institution"], act["day"]] = faults
        self.exceptions += ("wrong_amount" in faults) + ("unknown_line" in faults)

    def reconciled(self) -> dict[str, int]:
        """Statements that count, their lines, and those on which both sides agree: all but what nobody paid."""
        ours = sum(self.lines[key] for key in self.files)
        theirs = sum("unknown_line" in faults for faults in self.files.values())
        return {
            "statements": len(self.files),
            "lines": ours + theirs,
            "matched": ours,
            "exceptions_opened": self.exceptions,
            "exceptions_open": 0,
        }

    # What goes back

    def on_check_refund(self, act: Act) -> None:
        """Somebody checks the case."""
        self.steps.setdefault(case_of(act), []).append(act["by"])

    on_decide_refund = on_check_refund

    def on_pay_refund(self, act: Act) -> None:
        """A third one pays it back (S004-31); what was found by itself is dated by its payment (A004-12)."""
        people = [*self.steps.get(case_of(act), []), act["by"]]
        coming = next(each for each in self.comings if each.number == act["insured"] and each.owed_back)
        if len(set(people)) == len(people) == 3:
            coming.paid_back, coming.owed_back = coming.paid_back + coming.owed_back, 0
            coming.voided = coming.voided or (coming.paid_back == coming.fen and coming.outcome != "suspense")
            self.refunds_paid += 1

    def on_request_refund(self, act: Act) -> None:
        """Applications are taken on every day of the window and on no other (S004-30, A004-12)."""
        self.refund_cases += 1
        if not WINDOW[0] <= day_of(act["at"]) <= WINDOW[1]:
            self.refunds_refused += 1

    # What others pay

    def claims(self) -> Counter[str]:
        """What the other payers owe for all settled bills (S004-15, S004-16)."""
        owed: Counter[str] = Counter()
        for bill in self.enrolled.values():
            owed.update(bill.claims)
        return owed

    def on_enter_claim(self, act: Act) -> None:
        """Finance enters what has come: as much as was due."""
        self.entered[act["payer"]] = self.claims()[act["payer"]] - self.claims_received[act["payer"]]

    def on_check_claims(self, _act: Act) -> None:
        """A second person confirms all that was entered."""
        self.claims_received.update(self.entered)
        self.entered = {}

    # Figures

    def figures(self) -> dict[str, Any]:
        """Collected, receipts, refunds and funds, as season.json must say them."""
        live = [coming for coming in self.comings if not coming.taken_back]
        collected_fen = sum(coming.fen for coming in live)
        paid_back_fen = sum(coming.paid_back for coming in self.comings)
        received_fen = self.claims_received.total()
        return {
            "collected": {
                "count": len(live),
                "amount_fen": collected_fen,
                "by_channel": {
                    channel: {
                        "count": sum(coming.channel == channel for coming in live),
                        "amount_fen": sum(coming.fen for coming in live if coming.channel == channel),
                    }
                    for channel in CHANNELS
                },
            },
            "receipts": {
                "issued": sum(coming.outcome != "suspense" for coming in self.comings),
                "voided": sum(coming.voided for coming in self.comings),
                "gaps": 0,
                "duplicates": 0,
            },
            "refunds": {
                "requested": self.refund_cases,
                "paid": self.refunds_paid,
                "refused": self.refunds_refused,
                "amount_fen": paid_back_fen,
            },
            "reconciliation": self.reconciled(),
            "funds": {
                "ledger_sum_fen": 0,
                "special_account_fen": collected_fen - paid_back_fen + received_fen,
                "claims_due_fen": self.claims().total(),
                "claims_received_fen": received_fen,
                "four_way": dict.fromkeys(("money", "heads", "roster", "receipts"), True),
            },
        }


def case_of(act: Act) -> str:
    """Which case an act is about."""
    return str(act.get("case") or act["insured"])
