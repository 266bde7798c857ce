"""Acts of the channels without a clerk: WeChat, banks, the tax bureau, and the agents with their ledgers."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from .channels import UNIONPAY, Deposit, Deposits
from .feeds import moment
from .people import Person, Town, stream
from .plans import Plan
from .timed import Act, Timed, stamped

TOWN_FINANCE = ("town-finance-a", "town-finance-b")
COUNTY_FINANCE = ("county-finance-a", "county-finance-b")
PREMIUM_FEN = 32_000
_BATCH = time(23, 0)
_MORNING, _EVENING = time(6), time(22)


def deposit_acts(town: Town, deposits: Deposits) -> list[Timed]:
    """All of them, in no order."""
    through_banks = list(deposits.of("bank"))
    scanned = _scanned(through_banks)
    acts = _wechat(deposits.of("wechat")) + _unionpay(scanned)
    acts += _bank(each for each in through_banks if each not in scanned) + _etax(town, deposits.of("etax"))
    agents = deposits.of("agent")
    return acts + (_claims(town.plan) + _agents(town, agents) if agents else [])


def _claims(plan: Plan) -> list[Timed]:
    """The other payers pay their lines of all settled bills at the end of the year (S004-15, S004-16)."""
    acts = []
    for payer in plan.claim_payers:
        entered = {"act": "enter_claim", "by": COUNTY_FINANCE[0], "region": plan.prefix, "payer": payer}
        acts.append(Timed(moment(plan.claims_on, 9), 7, entered))
    checked = {"act": "check_claims", "by": COUNTY_FINANCE[1], "region": plan.prefix}
    return [*acts, Timed(moment(plan.claims_on, 15), 7, checked)]


def _payer(deposit: Deposit) -> Act:
    return {"payer_name": deposit.payer_name, "payer_identity_number": deposit.payer_number}


def _wechat(deposits: Iterable[Deposit]) -> list[Timed]:
    """An order for each person, and the payer pays it a minute later."""
    acts, number = [], 0
    for deposit in deposits:
        for person in deposit.insured:
            number += 1
            item = {"order": f"W{number:06d}", "insured": person.number}
            place = {"place": deposit.village.code[:6]}
            acts.append(
                Timed(deposit.at, 5, {"act": "order_wechat", "by": "payer", **item, **_payer(deposit), **place})
            )
            paid = deposit.at + timedelta(minutes=1)
            acts.append(Timed(paid, 5, {"act": "pay_wechat", "by": "payer", **item}))
    return acts


def _scanned(deposits: Iterable[Deposit]) -> list[Deposit]:
    """Every fourth plain payment through a bank is one by UnionPay's code, by day: its accounting day ends at 23:00."""
    plain = [
        each
        for each in deposits
        if each.expected == "settled"
        and not (each.difference_fen or each.reversed_first or each.odd)
        and _MORNING <= each.at.time() <= _EVENING
    ]
    return plain[::4]


def _unionpay(deposits: Iterable[Deposit]) -> list[Timed]:
    """A code for each person, which the payer scans a minute later."""
    acts, number = [], 0
    for deposit in deposits:
        for person in deposit.insured:
            number += 1
            item = {"order": f"U{number:06d}", "insured": person.number, "institution": UNIONPAY}
            place = {"place": deposit.village.code[:6]}
            acts.append(
                Timed(deposit.at, 5, {"act": "order_unionpay", "by": "payer", **item, **_payer(deposit), **place})
            )
            paid = deposit.at + timedelta(minutes=1)
            acts.append(Timed(paid, 5, {"act": "pay_unionpay", "by": "payer", **item}))
    return acts


def _bank(deposits: Iterable[Deposit]) -> list[Timed]:
    """Query and payment; some are taken back within the hour and paid once more."""
    acts, number = [], 0

    def pay(deposit: Deposit, insured: str, at: datetime) -> Act:
        nonlocal number
        number += 1
        serial = {"serial": f"{number:012d}", "insured": insured, "institution": deposit.institution}
        pays = {"difference_fen": deposit.difference_fen, "expected": deposit.expected, **_payer(deposit)}
        if deposit.expected != "settled":
            pays["fault"] = "unasked"  # the bank's own file was older than the payment elsewhere
        acts.append(Timed(at, 5, {"act": "pay_bank", "by": deposit.institution, **serial, **pays}))
        return serial

    for deposit in deposits:
        for person in deposit.insured:
            serial = pay(deposit, person.number, deposit.at)
            if deposit.reversed_first:
                taken_back = {"act": "reverse_bank", "by": deposit.institution, **serial}
                acts.append(Timed(deposit.at + timedelta(minutes=20), 5, taken_back))
                pay(deposit, person.number, deposit.at + timedelta(minutes=40))
    for institution, day in sorted({(act.fields["institution"], act.at.date()) for act in acts}):
        check = {"act": "check_bank_day", "by": institution, "institution": institution, "day": day.isoformat()}
        acts.append(Timed(moment(day + timedelta(days=1), 9), 7, check))
    return acts


def _etax(town: Town, deposits: Iterable[Deposit]) -> list[Timed]:
    """The bureau confirms some payments at once, the others of a day in one batch at night."""
    rng = stream(town.seed, "etax")
    acts, number = [], 0
    batches: dict[date, list[Act]] = defaultdict(list)
    for deposit in deposits:
        at_once = rng.random() < 0.4
        for person in deposit.insured:
            number += 1
            item = {
                "event": f"SW{deposit.at.year}{number:08d}",
                "voucher_no": f"314052221{number:09d}",
                **_named(deposit, person),
                "payer_name": deposit.payer_name,
                "paid_at": stamped(deposit.at),
                "expected": deposit.expected,
            }
            if at_once:
                acts.append(Timed(deposit.at, 5, {"act": "confirm_tax", "by": "tax-bureau", "items": [item]}))
            else:
                batches[deposit.at.date()].append(item)
    for day, items in batches.items():
        batch = {"act": "confirm_tax_batch", "by": "tax-bureau", "batch_no": f"{day:%Y%m%d}01", "items": items}
        acts.append(Timed(datetime.combine(day, _BATCH), 5, batch))
    return acts


def _named(deposit: Deposit, person: Person) -> Act:
    """Whose bill is paid; a number that is nobody's is paid with the whole premium, for nothing is asked for it."""
    if deposit.wrong_bill_no:
        return {"bill_no": deposit.wrong_bill_no, "amount_fen": PREMIUM_FEN}
    return {"insured": person.number, "difference_fen": deposit.difference_fen}


def _agents(town: Town, deposits: list[Deposit]) -> list[Timed]:
    """Every village has an agent with a device and a ledger, and a head who verifies it (S004-24 to S004-26)."""
    plan = town.plan
    acts: list[Timed] = []
    for n, village in enumerate(town.villages):
        own = [deposit for deposit in deposits if deposit.village == village]
        if not own:
            continue
        unit = {"unit_code": village.code}
        agent = {"by": f"agent-{village.code}", "region": village.code, **unit}
        start = moment(plan.first_day, 8)
        acts.append(Timed(start, 0, {"act": "register_device", **agent}))
        opened = {"act": "open_ledger", **agent, "agency_name": f"{village.name}民委员会"}
        acts.append(Timed(start + timedelta(minutes=10), 0, opened))
        acts += _ledger(own, agent, twice=n % 2 == 0)
        head = {"by": f"head-{village.code}", "region": village.code, **unit}
        acts.append(Timed(moment(plan.ledgers_close, 9), 0, {"act": "close_ledger", **head}))
        for day in plan.slip_days:
            slip = {"act": "write_slip", **agent, "to": plan.slips_to, "paid_on": day.isoformat()}
            acts.append(Timed(moment(day, 10), 6, slip))
    for day in plan.slip_days:
        if plan.slips_to == "town":
            where = {"region": plan.town}
            acts.append(Timed(moment(day, 11), 6, {"act": "check_slips", "by": TOWN_FINANCE[0], **where}))
            passed_on = {"act": "pass_slips_on", "by": TOWN_FINANCE[0], **where, "paid_on": day.isoformat()}
            acts.append(Timed(moment(day, 14), 6, passed_on))
        acts.append(Timed(moment(day, 15), 6, {"act": "check_slips", "by": COUNTY_FINANCE[1], "region": plan.prefix}))
    return acts


def _ledger(deposits: list[Deposit], agent: Act, *, twice: bool) -> list[Timed]:
    """The lines of each day of collecting, sent in the evening; without a network the next day, twice and in halves."""
    acts, line_no = [], 0
    days: dict[date, list[Deposit]] = defaultdict(list)
    for deposit in deposits:
        days[deposit.at.date()].append(deposit)

    def payment(deposit: Deposit, insured: str, at: datetime) -> Act:
        nonlocal line_no
        line_no += 1
        line = {"line_no": line_no, "kind": "payment", "insured": insured, "paid_at": stamped(at)}
        line |= {"difference_fen": deposit.difference_fen, "expected": deposit.expected}
        return {**line, **_payer(deposit), "method": deposit.e_channel}

    for n, (day, of_day) in enumerate(sorted(days.items())):
        lines = [payment(deposit, person.number, deposit.at) for deposit in of_day for person in deposit.insured]
        half = len(lines) // 2
        record = {"act": "record_lines", **agent}
        evening = moment(day, 18)
        if twice and n % 2 and half:
            acts.append(Timed(moment(day, 20), 6, {**record, "lines": lines[half:]}))
            acts.append(Timed(moment(day + timedelta(days=1), 9), 6, {**record, "lines": lines}))
        else:
            acts.append(Timed(evening, 6, {**record, "lines": lines}))
        wrong = next((deposit for deposit in of_day if deposit.reversed_first), None)
        if wrong is not None:
            back_at = max(evening, moment(day + timedelta(days=1), 9)) + timedelta(minutes=20)
            line_no += 1
            number = wrong.insured[0].number
            contrary = {"line_no": line_no, "kind": "contrary", "insured": number, **_payer(wrong)}
            contrary["contrary_of"] = next(line["line_no"] for line in lines if line["insured"] == number)
            contrary["reason"] = "金额已由本人另行交来，重新登记"
            acts.append(Timed(back_at, 6, {**record, "lines": [contrary]}))
            again = payment(wrong, number, back_at + timedelta(minutes=5))
            acts.append(Timed(back_at + timedelta(minutes=10), 6, {**record, "lines": [again]}))
    return acts
