"""What the departments find out in the midst of the season: their lists come after people have enrolled or paid.

Somebody is recognised after he has paid, in time (the difference goes back by itself) or too late (a person decides);
somebody's help has ended before she pays; somebody has joined employee insurance before the year begins, which is found
in time or only when cover runs already. A list that named the wrong people is taken back before any of them has paid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from .channels import Deposit
from .feeds import moment, write_list
from .names import employer
from .people import Fact, Person, Town, quota, stream
from .returning import going_back, way_back
from .timed import Timed
from .visits import Visit, Visits

TOLD_WRONGLY = date(2021, 10, 12)
IN_TIME, TOO_LATE = date(2021, 11, 10), date(2021, 12, 27)  # lists of those who are helped
JOINED_IN_TIME, JOINED_TOO_LATE = date(2021, 11, 18), date(2022, 1, 5)  # lists of employee insurance
_FIRST_OF_ALL = ("wechat", "wechat", "bank", "wechat", "etax", "agent", "counter")
_FATES = ("processing", "abnormal")
"""What becomes of the first refunds through WeChat; all others are paid at once."""

Paid = tuple[Person, Visit | Deposit]


@dataclass
class _Plan:
    """What is planned so far, and about whom something is planned."""

    town: Town
    folder: Path
    payments: list[Paid]
    touched: set[Person]
    acts: list[Timed] = field(default_factory=list)
    back: list[Timed] = field(default_factory=list)

    def choose(
        self, rng: Random, fits: Callable[[Person, Visit | Deposit], bool], count: int, first: Sequence[str] = ()
    ) -> list[Paid]:
        """Payments of as many people as asked; `first` through these channels, where somebody fits."""
        found = []
        free = [(person, paid) for person, paid in self.payments if person not in self.touched and fits(person, paid)]
        rng.shuffle(free)
        for wanted in [*first, *("" for _ in range(count - len(first)))][:count]:
            one = next((each for each in free if wanted in ("", _channel(each[1]))), None)
            if one is not None:
                free.remove(one)
                found.append(one)
        self.touched.update(person for person, _ in found)
        return found

    def hand_in(self, supplier: str, day: date, said: Sequence[tuple[Person, Fact]]) -> None:
        """A list comes, by which what these people owe or paid is looked at anew."""
        if said:
            feed = write_list(self.folder, supplier, day, said)
            changes = {"file": feed.file, "changes": [person.number for person, _ in said]}
            fields = {"act": "hand_in_feed", "by": f"{supplier}-clerk", "supplier": supplier, **changes}
            self.acts.append(Timed(feed.at, 0, fields))

    def give_back(self, person: Person, paid: Visit | Deposit, found: date, *, fate: str | None, late: bool) -> None:
        """What was paid too much goes back as it came."""
        whose, way = {"insured": person.number}, way_back(self.town, paid)
        self.back += going_back(self.town, whose, moment(found), way, fate=fate, late=late)

    def decide(self, chosen: Sequence[Paid], day: date) -> None:
        """A person lets the list count although it came too late, or does not; every third time not."""
        for n, (person, paid) in enumerate(chosen):
            approved = n % 3 != 1
            said = {"result": "approved", "note": "部门报送延误，花名日期在先"} if approved else {
                "result": "declined", "note": "本人逾期申报，按规定不予追溯"}  # fmt: skip
            decided = {"act": "decide_case", "by": "agency-officer-b", "insured": person.number, **said}
            self.acts.append(Timed(moment(day, 11), 0, decided))
            if approved:
                self.give_back(person, paid, day, fate=None, late=True)


def late_lists(town: Town, visits: Visits, folder: Path) -> tuple[list[Timed], list[Timed]]:
    """Write the lists. Returns the acts of handing them in and deciding on them, and those of paying back."""
    plan = _Plan(town, folder, *_payments(visits))
    _recognised(plan, stream(town.seed, "recognised later"))
    _joined(plan, stream(town.seed, "joined later"))
    _told_wrongly(plan, stream(town.seed, "told wrongly"))
    return plan.acts, plan.back


def _payments(visits: Visits) -> tuple[list[Paid], set[Person]]:
    """Who pays how, and those about whose payments something is odd already."""
    plain = [visit for visit in visits.all if visit.expected_refusal is None]
    odd = {person for visit in visits.all if visit not in plain or visit.double or visit.suspense
           for person in visit.insured}  # fmt: skip
    odd |= {person for deposit in visits.deposits.all if deposit.odd for person in deposit.insured}
    payments: list[Visit | Deposit] = [*plain, *visits.deposits.all]
    return [(person, paid) for paid in payments for person in paid.insured], odd


def _channel(paid: Visit | Deposit) -> str:
    return paid.channel if isinstance(paid, Deposit) else "counter"


def _before(person: Person, paid: Visit | Deposit, day: date) -> bool:
    """Whether somebody whom no list names has paid the whole premium by then."""
    return not person.facts and person.registered and paid.at.date() < day


def _told_wrongly(plan: _Plan, rng: Random) -> None:
    """A list names people of another town, is taken back the same morning, and comes right the next day."""
    chosen = plan.choose(
        rng,
        lambda person, paid: not person.facts and person.registered and paid.at.date() > TOLD_WRONGLY,
        quota(plan.town.residents, 0.002, 2),
    )
    wrong = [(person, Fact("civil_affairs", "低保", TOLD_WRONGLY - timedelta(days=9))) for person, _ in chosen]
    plan.hand_in("civil_affairs", TOLD_WRONGLY, wrong)
    if wrong:
        taken_back = {"file": plan.acts[-1].fields["file"], "reason": "误报了另一个乡镇的名单"}
        fields = {"act": "withdraw_feed", "by": "agency-officer-b", **taken_back}
        fields["changes"] = [person.number for person, _ in wrong]
        plan.acts.append(Timed(moment(TOLD_WRONGLY, 11), 0, fields))
    meant = [
        (person, fact)
        for person in plan.town.living()
        for fact in person.facts
        if (fact.supplier, fact.word, fact.until) == ("civil_affairs", "低保", None)
    ]
    right = write_list(plan.folder, "civil_affairs", TOLD_WRONGLY + timedelta(days=1), meant[:2])
    handed_in = {"act": "hand_in_feed", "by": "civil_affairs-clerk", "supplier": "civil_affairs", "file": right.file}
    plan.acts.append(Timed(right.at, 0, handed_in))


def _recognised(plan: _Plan, rng: Random) -> None:
    """Help that begins while the season runs, and help that ended before its holder has paid."""
    residents = plan.town.residents
    in_time = plan.choose(
        rng, lambda person, paid: _before(person, paid, IN_TIME), quota(residents, 0.004, 7), _FIRST_OF_ALL
    )
    said = []
    fates = list(_FATES)
    for n, (person, paid) in enumerate(in_time):
        word = "特困" if n == _FIRST_OF_ALL.index("bank") else "低保"  # whole premium back, or most of it
        said.append((person, Fact("civil_affairs", word, IN_TIME - timedelta(days=rng.randint(3, 20)))))
        fate = fates.pop(0) if fates and _channel(paid) == "wechat" else None
        plan.give_back(person, paid, IN_TIME, fate=fate, late=False)
    ended = plan.choose(
        rng,
        lambda person, paid: (
            paid.at.date() > IN_TIME and [(fact.word, fact.until) for fact in person.facts] == [("低保", None)]
        ),
        quota(residents, 0.001, 2),
    )
    for person, _ in ended:
        [fact] = person.facts
        said.append((person, Fact(fact.supplier, fact.word, fact.since, date(2021, 10, 31))))
    plan.hand_in("civil_affairs", IN_TIME, said)
    late = plan.choose(rng, lambda person, paid: _before(person, paid, TOO_LATE), quota(residents, 0.0015, 3))
    dibao = [(person, Fact("civil_affairs", "低保", date(2021, 12, rng.randint(1, 20)))) for person, _ in late]
    plan.hand_in("civil_affairs", TOO_LATE, dibao)
    plan.decide(late, TOO_LATE + timedelta(days=1))


def _joined(plan: _Plan, rng: Random) -> None:
    """People whom an employer has registered before the year begins: they do not join (S004-04)."""
    residents = plan.town.residents

    def joins(day: date, count: int) -> list[Paid]:
        since = day - timedelta(days=rng.randint(8, 17))
        chosen = plan.choose(
            rng,
            lambda person, paid: _before(person, paid, day) and 22 <= person.age() <= 59 and person.schooling is None,
            count,
        )
        said = [(person, Fact("employee_insurance", employer(rng), since)) for person, _ in chosen]
        plan.hand_in("employee_insurance", day, said)
        return chosen

    for person, paid in joins(JOINED_IN_TIME, quota(residents, 0.002, 3)):
        plan.give_back(person, paid, JOINED_IN_TIME, fate=None, late=False)
    plan.decide(joins(JOINED_TOO_LATE, quota(residents, 0.001, 2)), JOINED_TOO_LATE + timedelta(days=1))
