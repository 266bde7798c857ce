"""What is due and who pays it: rates, the fiscal part, help, and what a merger of schemes leaves to be made up."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.codes import Payer, Status

from .parts import Cited, Due, Fen, Grade, Part, Percentage, Share, Year, require_order
from .people import Who


class Premium(Cited):
    """The rate of a group. A figure that the notice leaves open is absent: who needs it is told `amount_unknown`."""

    group: str = Field("residents", pattern=r"^[a-z][a-z0-9_]*$")
    who: Who = Field(default_factory=Who)
    individual_fen: Fen | None = None
    fiscal_fen: Fen | None = Field(None, description="各级财政补助（分）")
    fiscal_payers: tuple[Payer, ...] = Field((), description="分担财政补助的各级财政")
    total_fen: Fen | None = Field(None, description="筹资总额（分），应等于个人缴费加财政补助")
    paid_by: Payer = Field(Payer.PERSON, description="由谁缴纳")
    due: Due | None = Field(None, description="该组人员应缴部分；缺省：随集中征缴期或逾期规定")

    @model_validator(mode="after")
    def _sums_up(self) -> Self:
        parts = (self.individual_fen, self.fiscal_fen, self.total_fen)
        if None not in parts and sum(filter(None, parts[:2])) != self.total_fen:
            raise PydanticCustomError("total_differs", "total_fen 应等于 individual_fen 加 fiscal_fen")
        return self


class Full(Part):
    """Help with the whole individual part."""

    kind: Literal["full"]


class Percent(Part):
    """Help with a share of the individual part, at least `floor_fen`, at most `cap_fen`, never more than the whole."""

    kind: Literal["percent"]
    percent: Percentage
    floor_fen: Fen = 0
    cap_fen: Fen | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.cap_fen is not None:
            require_order("floor_fen", self.floor_fen, "cap_fen", self.cap_fen)
        return self


class Fixed(Part):
    """Help of a fixed amount, never more than the individual part."""

    kind: Literal["fixed"]
    amount_fen: Fen


class BenefitYears(Part):
    """The benefit years in which a subsidy is given, both inclusive."""

    first: Year
    last: Year

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_order("first", self.first, "last", self.last)
        return self


class Subsidy(Cited):
    """Help that the notice gives to some statuses, or (without `statuses`) to whoever is described, as by age."""

    statuses: tuple[Status, ...] = Field((), description="身份类别；空：不凭身份，凭 who 所列条件")
    grades: tuple[Grade, ...] | None = Field(None, min_length=1, description="残疾等级，只用于 disabled")
    who: Who | None = Field(None, description="另须符合的条件，如年龄")
    local_hukou: bool = Field(False, description="是否须有本统筹区户籍")
    identified_by: date | None = Field(None, description="须不晚于此日认定（含）")
    help: Annotated[Full | Percent | Fixed, Field(discriminator="kind")]
    payer: Payer | None = None
    payers: tuple[Share, ...] | None = Field(None, min_length=2, description="多个付款方，依次承担")
    benefit_years: BenefitYears | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.grades is not None and self.statuses != (Status.DISABLED,):
            raise PydanticCustomError("grades_unexpected", "grades 只能用于 statuses: [disabled]")
        if not self.statuses and self.who is None:
            raise PydanticCustomError("nobody_described", "statuses 为空时须填 who")
        if (self.payer is None) == (self.payers is None):
            raise PydanticCustomError("not_exactly_one", "payer、payers 须填且只填一项")
        if Payer.PERSON in {self.payer, *(share.payer for share in self.payers or ())}:
            raise PydanticCustomError("payer_is_person", "资助的 payer 不能是 person 本人")
        bounded = [share.up_to_fen is not None for share in self.payers or ()]
        if bounded and (bounded[-1] or not all(bounded[:-1])):
            raise PydanticCustomError("shares_open", "除最后一个付款方外，均须填 up_to_fen；最后一个不填")
        return self

    def is_unconditional(self) -> bool:
        """Whether everybody with the status gets it."""
        return self.grades is None and self.who is None and self.benefit_years is None and not self.local_hukou


class Denied(Cited):
    """Statuses of which the notice says that they get no help."""

    statuses: tuple[Status, ...] = Field(min_length=1)


class OneOnly(Cited):
    """Several statuses, one subsidy: which. The order of `given` is the order of the list."""

    choice: Literal["highest_amount", "listed_first"]
    tie: Literal["listed_first"]


class Evidence(Cited):
    """The day on which a status must be held to count; what becomes of one that comes on a list after payment.

    Without `added_later` it changes nothing. With it the difference goes back where the list comes inside the window;
    after the window a person decides.
    """

    counts_on: Literal["payment_day"]
    added_later: Literal["difference_inside_window"] | None = None


class Subsidies(Part):
    """All help of the scheme; the order of `given` decides between equal amounts."""

    one_only: OneOnly
    evidence: Evidence
    given: tuple[Subsidy, ...] = ()
    denied: tuple[Denied, ...] = ()

    @model_validator(mode="after")
    def _each_status_once(self) -> Self:
        seen: dict[Status, list[bool]] = {}
        for part in self.given:
            for status in part.statuses:
                seen.setdefault(status, []).append(part.is_unconditional())
        for denied in self.denied:
            for status in denied.statuses:
                seen.setdefault(status, []).append(True)
        twice = [status for status, plain in seen.items() if len(plain) > 1 and any(plain)]
        if twice:
            named = {"values": "、".join(sorted(twice))}
            raise PydanticCustomError("named_twice", "状态 {values} 只能出现一次，或每次都另有条件", named)
        return self


class GapShare(Part):
    """What one of several payers takes of the gap, in percent; the last takes the rest."""

    payer: Payer
    percent: Percentage | None = Field(None, description="承担百分之几；最后一个付款方承担其余部分，不填")


class Kept(Cited):
    """After a merger some people go on paying their former amount; others make up the gap to the rate of all.

    Before `gap_from` both former schemes run side by side, and nothing but the former amount is due.
    """

    who: Who
    keeps_fen: Fen | None = None
    gap_from: date
    gap_payers: tuple[GapShare, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _last_takes_the_rest(self) -> Self:
        if self.gap_payers[-1].percent is not None:
            raise PydanticCustomError("shares_open", "最后一个付款方承担其余部分，不填 percent")
        return self


class Adjustment(Cited):
    """By what the rate of later years goes; a figure of this year never follows from it."""

    follows: str = Field(pattern=r"^[a-z_]+$")
