"""What one scheme states, as values: the compiled form of a package file (read by `formats/package.py`).

Every part carries the ids of the rules it comes from. A part that the notice does not regulate is None or absent;
whoever asks for it is answered `no_rule`, never by a guess (A-X4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.codes import Document, Payer, RefusalCode, Status

from .facts import EnrolmentKind

RuleIds = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """When payment is taken: from `opens_on` to `closes_on`, on the days `first_day`..`last_day` of each month."""

    opens_on: date
    opens_rules: RuleIds
    closes_on: date
    closes_rules: RuleIds
    first_day: int
    last_day: int
    mask_rules: RuleIds


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Who holds `status` may not enrol and is refused as `refused_as`."""

    status: Status
    refused_as: RefusalCode
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may enrol: everybody with a local tie (hukou, residence, as the scheme accepts) who is not excluded."""

    rules: RuleIds
    once_rules: RuleIds
    by_hukou: bool
    by_residence: bool
    tie_rules: RuleIds
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True)
class Premium:
    """The individual part of one year, in fen."""

    individual_fen: int
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class FullHelp:
    """Pays the whole individual part."""


@dataclass(frozen=True, slots=True)
class PercentHelp:
    """Pays a share of the individual part, but at least `floor_fen`."""

    percent: int
    floor_fen: int


@dataclass(frozen=True, slots=True)
class FixedHelp:
    """Pays a fixed amount."""

    amount_fen: int


Help = FullHelp | PercentHelp | FixedHelp


@dataclass(frozen=True, slots=True)
class Subsidy:
    """Help for one status. `rank` is its place in the package: the lower wins between equal amounts."""

    status: Status
    rank: int
    help: Help
    payer: Payer
    rules: RuleIds
    grades: frozenset[int] | None = None
    first_benefit_year: int | None = None
    last_benefit_year: int | None = None


@dataclass(frozen=True, slots=True)
class Subsidies:
    """All help of a scheme: at most one subsidy for a person, that of the highest amount.

    `denied` are statuses of which the notice says that they get nothing; a status in neither mapping it never names.
    `added_later`: a status that comes on a list after payment, but inside the window, lowers what is due.
    """

    by_status: Mapping[Status, Subsidy]
    denied: Mapping[Status, RuleIds]
    one_only_rules: RuleIds
    evidence_rules: RuleIds
    added_later: bool


@dataclass(frozen=True, slots=True)
class Newborn:
    """A child born in the benefit year owes nothing and is covered from birth; one of `documents` is shown."""

    free_rules: RuleIds
    documents: frozenset[Document]
    document_rules: RuleIds


@dataclass(frozen=True, slots=True)
class Span:
    """An unbroken span of days, both inclusive."""

    starts_on: date
    ends_on: date


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
class Package:
    """One scheme-year: one pool, one benefit year, one set of rules. `version` is the hash of its content."""

    scheme: str
    pool: str
    benefit_year: int
    title: str
    version: str
    window: Window
    admission: Admission
    premiums: Mapping[EnrolmentKind, Premium]
    subsidies: Subsidies
    newborn: Newborn | None
    cover: Span
    cover_rules: RuleIds
    refund: Refund | None
