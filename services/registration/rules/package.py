"""What one scheme states, as values: the compiled form of a package file (read by `formats/package.py`).

Every part carries the ids of the rules it comes from. A part that the notice does not regulate is None or absent;
whoever asks for it is answered `no_rule`, never by a guess (A-X4). A figure that it leaves open is None; whoever needs
it is answered `amount_unknown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.codes import Document, Payer, RefusalCode, Status

from .who import EVERYBODY, Who

RuleIds = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """An unbroken span of days, both inclusive."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Window:
    """When payment is taken: from `opens_on` to `closes_on`, on the days `first_day`..`last_day` of each month.

    An edge that the notice does not state is None: nobody is too early, or too late.
    """

    opens_on: date | None = None
    opens_rules: RuleIds = ()
    closes_on: date | None = None
    closes_rules: RuleIds = ()
    first_day: int = 1
    last_day: int = 31
    mask_rules: RuleIds = ()


@dataclass(frozen=True, slots=True)
class GroupWindow:
    """The window of some people; `rules` are those of its last day."""

    who: Who
    window: Window
    rules: RuleIds


class Due(StrEnum):
    """What is due: nothing, the individual part, or the full cost with the government's part."""

    NOTHING = "nothing"
    INDIVIDUAL = "individual"
    INDIVIDUAL_AND_FISCAL = "individual_and_fiscal"


@dataclass(frozen=True, slots=True)
class FromPeriod:
    """Cover begins with the benefit period."""


@dataclass(frozen=True, slots=True)
class FromDay:
    """Cover begins on this day."""

    day: date


@dataclass(frozen=True, slots=True)
class FromBirth:
    """Cover begins at birth."""


@dataclass(frozen=True, slots=True)
class FromRegistration:
    """Cover begins on the day of registration."""


@dataclass(frozen=True, slots=True)
class AfterPayment:
    """Cover begins so many days after the day on which payment is recognised."""

    days: int


Start = FromPeriod | FromDay | FromBirth | FromRegistration | AfterPayment


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms somebody joins: what is due, from when cover runs; `helped` False: of help the notice is silent."""

    due: Due
    start: Start
    helped: bool
    rules: RuleIds
    late: bool = False
    newborn: bool = False


@dataclass(frozen=True, slots=True)
class LateStage:
    """The terms of those who pay from `starts_on` to `until` (None: without end), where the stage is for them."""

    starts_on: date
    until: date | None
    terms: Terms
    who: Who = EVERYBODY


@dataclass(frozen=True, slots=True)
class NewbornCase:
    """The terms of some children born on these days; `paid_inside_window`: only with a payment inside the window."""

    born_from: date
    born_to: date
    who: Who
    within_months: int | None
    paid_inside_window: bool
    terms: Terms


@dataclass(frozen=True, slots=True)
class Newborn:
    """Children who enrol as newborns: the first case that fits; `otherwise_new`: else as anybody who enrols anew."""

    cases: tuple[NewbornCase, ...]
    otherwise_new: bool
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class WaitingPeriod:
    """The wait after payment of those who missed years or pay late, in months."""

    fixed_months: int
    months_per_missed_year: int
    uncounted_years: int
    months_per_repaired_year: int
    long_gap_years: int | None
    long_gap_months: int
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Who holds `status` may not enrol and is refused as `refused_as`."""

    status: Status
    refused_as: RefusalCode
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whoever is one of `of` must be one of `who`; `text` says what that takes."""

    of: Who
    who: Who
    text: str
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie to the pooling area that suffices. `rules` of the ordinary one are empty: it decides nothing special."""

    who: Who
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may enrol: everybody with one of the ties who is not excluded and fulfils what is required of them."""

    rules: RuleIds
    once_rules: RuleIds
    ties: tuple[Tie, ...]
    tie_rules: RuleIds
    exclusions: tuple[Exclusion, ...]
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Papers:
    """What one kind of applicant shows: of each set one. `also`: beside the papers of another kind."""

    who: Who
    helped: bool
    also: bool
    any_of: tuple[frozenset[Document], ...]
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Premium:
    """The rate of a group, in fen. `due` None: as window or late stage say; `paid_for` is why `payer` pays."""

    individual_fen: int | None
    rules: RuleIds
    who: Who = EVERYBODY
    fiscal_fen: int | None = None
    payer: Payer = Payer.PERSON
    paid_for: Status | None = None
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """After a merger these people keep their former amount; from `gap_from` on others pay the gap to the rate.

    Each of `gap_shares` takes its percent of the gap, the last the rest.
    """

    who: Who
    keeps_fen: int | None
    gap_from: date
    gap_shares: tuple[tuple[Payer, int | None], ...]
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class FullHelp:
    """Pays the whole individual part."""


@dataclass(frozen=True, slots=True)
class PercentHelp:
    """Pays a share of the individual part, but at least `floor_fen` and at most `cap_fen`."""

    percent: int
    floor_fen: int
    cap_fen: int | None = None


@dataclass(frozen=True, slots=True)
class FixedHelp:
    """Pays a fixed amount."""

    amount_fen: int


Help = FullHelp | PercentHelp | FixedHelp


@dataclass(frozen=True, slots=True)
class Subsidy:
    """Help for a status, or (None) for whoever is described. `rank` is its place in the package.

    `payers` share the help in their order, each up to its fen; the last takes the rest.
    """

    status: Status | None
    rank: int
    help: Help
    payers: tuple[tuple[Payer, int | None], ...]
    rules: RuleIds
    grades: frozenset[int] | None = None
    who: Who = EVERYBODY
    local_hukou: bool = False
    identified_by: date | None = None
    first_benefit_year: int | None = None
    last_benefit_year: int | None = None


class Choice(StrEnum):
    """Which of several subsidies somebody gets."""

    HIGHEST_AMOUNT = "highest_amount"
    LISTED_FIRST = "listed_first"


@dataclass(frozen=True, slots=True)
class Subsidies:
    """All help of a scheme: at most one subsidy for a person.

    `described` is help that goes by no status. `denied` are statuses of which the notice says that they get nothing; a
    status in none of these it never names. `added_later`: a status that comes on a list after payment, but inside the
    window, lowers what is due.
    """

    by_status: Mapping[Status, tuple[Subsidy, ...]]
    described: tuple[Subsidy, ...]
    denied: Mapping[Status, RuleIds]
    choice: Choice
    one_only_rules: RuleIds
    evidence_rules: RuleIds
    added_later: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """When money may be asked back (on every day of the span) and on which grounds, each with its rules.

    `person_decides` are the grounds on which, found by the system after the span, a person decides.
    """

    window: Span
    window_rules: RuleIds
    grounds: Mapping[str, RuleIds]
    person_decides: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the notice: its own words (None: none at hand), and what it asks for in Chinese and in English."""

    quote: str | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Package:
    """One scheme-year: one pool, one benefit year, one set of rules. `version` is the hash of its content.

    Of lists of groups the first that fits counts. `in_window` are the terms of whoever pays inside the window.
    `overlays` are the labels of what a deployment filled in where the notice leaves figures open. `sentences` say what
    rule ids stand for.
    """

    scheme: str
    pool: str
    benefit_year: int
    title: str
    version: str
    window: Window
    group_windows: tuple[GroupWindow, ...]
    in_window: Terms
    late: tuple[LateStage, ...]
    admission: Admission
    papers: tuple[Papers, ...]
    premiums: tuple[Premium, ...]
    kept: tuple[Kept, ...]
    subsidies: Subsidies
    newborn: Newborn | None
    cover: Span | None
    cover_rules: RuleIds
    waiting_period: WaitingPeriod | None
    refund: Refund | None
    overlays: tuple[str, ...] = ()
    sentences: Mapping[str, Sentence] = field(default_factory=dict)
