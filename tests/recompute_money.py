"""The money of a season worked out again, channel by channel. Part of recompute_season.py: no code of the services."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

WINDOW = (date(2021, 9, 1), date(2021, 12, 25))  # S004-03, S004-06, S004-08
LAST_DAY_OF_MONTH = 25  # S004-07
CHANNELS = ("wechat", "bank", "etax", "counter", "agent")
PRINTS_ITSELF = ("wechat", "bank", "etax")  # each payment is a line of the channel's own file

Act = dict[str, Any]


@dataclass(eq=False)
class Coming:
    """Money that came once through a channel: what it was for, what it did, and what became of it."""

    channel: str
    number: str  # whose; where nobody can tell, the number of the bill that there is not
    fen: int
    outcome: str  # settled | surplus | suspense
    day: date
    taken_back: bool = False  # 冲正, or a contrary line
    owed_back: int = 0
    paid_back: int = 0
    voided: bool = False


@dataclass(eq=False)
class Enrolled:
    """Somebody who is enrolled: since when, who pays how much of the premium, and what came in for it."""

    lines: dict[str, int]
    since: date
    newborn: bool = False
    paid_by: Coming | None = None

    @property
    def owes(self) -> int:
        """The person's own part."""
        return self.lines.get("person", 0)

    @property
    def paid_on(self) -> date | None:
        """When nothing was owed any more; None: something is."""
        if self.paid_by:
            return self.paid_by.day
        return None if self.owes else self.since

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
    received: dict[tuple[str, ...], tuple[str, str, str] | None] = field(default_factory=dict)  # line -> agent's file
    files: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)  # the last file, and what is wrong in it
    unheard: dict[str, Act] = field(default_factory=dict)  # whose -> the confirmation that was never sent
    proposed: Act = field(default_factory=dict)
    exceptions: int = 0
    put_right: int = 0  # lines on which both sides did not agree until two persons saw to it
    claims_received: Counter[str] = field(default_factory=Counter)
    entered: dict[str, int] = field(default_factory=dict)
    refunds_paid: int = 0
    refund_cases: int = 0
    refunds_refused: int = 0

    # What comes

    def come(self, key: tuple[str, ...], number: str, paid_at: str, difference_fen: int = 0) -> Coming:
        """Money for somebody through the channel `key[0]`; the same key is the same money, whatever comes twice.

        For a bill that there is not, `difference_fen` is all that came.
        """
        if key in self.seen:
            return self.seen[key]
        bill = self.enrolled.get(number)
        fen = difference_fen + (bill.owes if bill else 0)
        if bill is not None and bill.paid_by is not None:
            outcome = "surplus"
        elif bill is None or fen != bill.owes or closed(day_of(paid_at)):
            outcome = "suspense"
        else:
            outcome = "settled"
        coming = Coming(key[0], number, fen, outcome, day_of(paid_at))
        if bill is not None and outcome == "settled":
            bill.paid_by = coming
        else:
            coming.owed_back = fen
            self.refund_cases += outcome == "surplus"  # suspense waits for somebody who asks
        self.seen[key] = coming
        self.comings.append(coming)
        if key[0] in PRINTS_ITSELF:
            self.lines[key[0], key[1] if key[0] == "bank" else "", paid_at[:10]] += 1
        return coming

    def revise(self, number: str, lines: dict[str, int]) -> None:
        """Other lines are due; what somebody has paid too much is found and goes back (S004-17, A004-11)."""
        bill = self.enrolled[number]
        less_fen, bill.lines = bill.owes - lines.get("person", 0), lines
        if bill.paid_by and less_fen:
            bill.paid_by.owed_back += less_fen
            self.refund_cases += 1

    def withdraw(self, number: str) -> None:
        """Somebody does not join after all; all that was paid goes back."""
        bill = self.enrolled.pop(number)
        if bill.paid_by:
            bill.paid_by.owed_back = bill.paid_by.fen - bill.paid_by.paid_back
            self.refund_cases += 1

    def take_back(self, coming: Coming) -> None:
        """The channel takes back what it had reported: the receipt is void, the bill is open again."""
        coming.taken_back, coming.owed_back = True, 0
        coming.voided = coming.outcome != "suspense"
        bill = self.enrolled.get(coming.number)
        if bill and bill.paid_by is coming:
            bill.paid_by = None

    def on_pay(self, act: Act) -> None:
        """At a counter. Cash for a closed day or a paid bill stays with the payer; a charged card is never refused."""
        bills = [self.enrolled[number] for number in act["insured"]]
        if act["method"] == "cash" and (closed(day_of(act["at"])) or any(bill.paid_by for bill in bills)):
            return
        for number in act["insured"]:
            self.come(("counter", str(act["n"]), number), number, act["at"])
        self.lines["counter", "", act["at"][:10]] += act["method"] == "pos"  # the acquirer has a line for each slip

    def on_order_wechat(self, act: Act) -> None:
        """An order is no money yet."""
        self.orders[act["order"]] = act["insured"]

    def on_pay_wechat(self, act: Act) -> None:
        """The payer pays an order."""
        if act.get("expected") != "refused":
            self.come(("wechat", act["order"]), self.orders[act["order"]], act["at"])

    on_order_unionpay = on_order_wechat

    def on_pay_unionpay(self, act: Act) -> None:
        """The payer scans a code; in the books UnionPay is a bank."""
        self.come(("bank", act["institution"], act["order"]), self.orders[act["order"]], act["at"])

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
            key, line = ("etax", item["event"]), ("etax", "", item["paid_at"][:10])
            if "bill_no" in item:
                self.come(key, item["bill_no"], item["paid_at"], item["amount_fen"])
            elif "delay" in act.get("faults", []):
                self.unheard[item["insured"]] = item
                self.lines[line] += 1
            else:
                told_fen = item["difference_fen"] + item.get("told_difference_fen", 0)
                self.come(key, item["insured"], item["paid_at"], told_fen)
                self.lines[line] -= not item.get("collected", True)

    on_confirm_tax_batch = on_confirm_tax

    def on_record_lines(self, act: Act) -> None:
        """Lines of an agent's ledger; a contrary line takes an earlier one back."""
        for line in sorted(act["lines"], key=lambda line: int(line["line_no"])):
            key = ("agent", act["unit_code"], str(line["line_no"]))
            if key in self.seen:
                continue
            if line["kind"] == "payment":
                self.come(key, line["insured"], line["paid_at"], line["difference_fen"])
                file = ("agent", act["unit_code"], line["paid_at"][:10])
                self.received[key] = file if line["method"] != "cash" else None
            else:
                original = ("agent", act["unit_code"], str(line["contrary_of"]))
                self.seen[key] = self.seen[original]
                self.take_back(self.seen[original])
                self.received[original] = None  # it never came in

    # What the channels say themselves

    def on_hand_in_statement(self, act: Act) -> None:
        """The channel's file of a day. A later one takes the place of an earlier; what that opened stays counted."""
        faults = act.get("faults", [])
        self.files[act["channel"], act["institution"], act["day"]] = faults
        self.exceptions += ("wrong_amount" in faults) + ("unknown_line" in faults)

    def on_propose_resolutions(self, act: Act) -> None:
        """Somebody says what is to be done about what the day lists have shown."""
        self.proposed = act

    def on_approve_resolutions(self, act: Act) -> None:
        """A second person approves, and the lists count: what came is booked, what did not come is taken back."""
        if act["by"] == self.proposed["by"]:
            return
        for item in self.proposed["items"]:
            self.exceptions += 1
            self.put_right += item["resolution"] != "reverse"
            number = item["insured"]
            if item["resolution"] == "book":
                told = self.unheard[number]
                self.come(("", told["event"]), number, told["paid_at"], told["difference_fen"]).channel = "etax"
                continue
            wrong = next(each for each in self.comings if each.number == number and not each.taken_back)
            self.take_back(wrong)
            if item["resolution"] == "correct":
                self.come(("", number), number, f"{wrong.day}T12:00:00+08:00").channel = "etax"

    def reconciled(self) -> dict[str, int]:
        """Statements that count, their lines, and those on which both sides agreed: not what nobody paid or told."""
        lines = self.lines + Counter(file for file in self.received.values() if file)
        ours = sum(lines[key] for key in self.files)
        theirs = sum("unknown_line" in faults for faults in self.files.values())
        return {
            "statements": len(self.files),
            "lines": ours + theirs,
            "matched": ours - self.put_right,
            "exceptions_opened": self.exceptions,
            "exceptions_open": 0,
        }

    # What goes back

    def on_check_refund(self, act: Act) -> None:
        """Somebody checks the case."""
        self.steps.setdefault(case_of(act), []).append(act["by"])

    on_decide_refund = on_check_refund
    on_reroute_refund = on_check_refund  # whoever sends it another way does not pay it either

    def on_pay_refund(self, act: Act) -> None:
        """A third one pays it back (S004-31); what was found by itself is dated by its payment (A004-12).

        What the channel could not bring home is its line of that day all the same, and waits for another way.
        """
        if act["method"] in ("wechat", "pos_return"):
            self.lines["wechat" if act["method"] == "wechat" else "counter", "", act["at"][:10]] += 1
        unionpay = ("bank", "UNIONPAY")
        if any(key[:2] == unionpay and each.number == case_of(act) for key, each in self.seen.items()):
            self.lines[*unionpay, act["at"][:10]] += act["method"] == "bank"  # it prints what it gives back, too
        if act.get("fate") == "abnormal":
            return
        people = self.steps.get(case_of(act), [])
        coming = next(each for each in self.comings if each.number == case_of(act) and each.owed_back)
        if len(set(people)) == 2 and act["by"] not in people:
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
    """Whose money an act is about."""
    return str(act.get("bill_no") or act["insured"])
