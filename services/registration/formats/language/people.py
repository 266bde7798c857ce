"""Whom a part of the notice speaks of; who may enrol; which papers are shown; where people register."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.codes import Document, RefusalCode, Status

from ...rules.facts import EnrolmentKind
from .parts import Cited, Code, Grade, Part, Text, Years, require_order


class Who(Part):
    """Whom a part speaks of: everybody for whom all stated conditions hold. Ages are stated as birth dates (A-X2).

    A condition on something that is not known of a person (kind of hukou, a child's hukou, a pension) is taken as met.
    """

    enrolments: tuple[EnrolmentKind, ...] | None = Field(None, min_length=1, description="参保方式，其一即可")
    statuses: tuple[Status, ...] | None = Field(None, min_length=1, description="持有其中一种身份")
    grades: tuple[Grade, ...] | None = Field(None, min_length=1, description="残疾等级，只用于 statuses: [disabled]")
    born_from: date | None = Field(None, description="出生日期不早于（含）")
    born_to: date | None = Field(None, description="出生日期不晚于（含）")
    sex: Literal["male", "female"] | None = Field(None, description="性别；不明者不符合")
    hukou: Literal["local", "elsewhere", "intended"] | None = Field(
        None, description="户籍：本统筹区、外地；intended：本统筹区，尚未落户亦可"
    )
    hukou_kind: Literal["urban", "rural"] | None = Field(None, description="户籍性质；不明者视为符合")
    moved_in: bool | None = Field(None, description="户籍是否迁入（有迁入日期）")
    hukou_years: Years | None = Field(None, description="至登记日户籍迁入满几年")
    residence: Literal["local", "elsewhere"] | None = Field(None, description="居住地")
    residence_permit: bool | None = Field(None, description="是否持有居住证")
    school: Literal["local", "elsewhere"] | None = Field(None, description="持有 student 者学校所在地；未填视为本地")
    former_scheme: Literal["urban", "nrcms"] | None = Field(None, description="制度合并前所参制度")
    child_hukou_here: bool | None = Field(None, description="子女是否有本地户籍；不明者视为符合")
    pension_elsewhere: bool | None = Field(None, description="是否在异地领取养老金；不明者视为符合")
    any_of: tuple["Who", ...] | None = Field(None, min_length=1, description="以下各组条件，符合一组即可")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.born_from and self.born_to:
            require_order("born_from", self.born_from, "born_to", self.born_to)
        if self.grades is not None and self.statuses != (Status.DISABLED,):
            raise PydanticCustomError("grades_unexpected", "grades 只能用于 statuses: [disabled]")
        return self


class Tie(Cited):
    """One tie to the pooling area that suffices."""

    who: Who


class LocalTie(Cited):
    """What ties a person to the pooling area; one of the list suffices, the ordinary one stands first."""

    any_of: tuple[Tie, ...] = Field(min_length=1, description="有一即可，通常情形列在最前")


class Excluded(Cited):
    """A status with which one may not enrol, and the code of that refusal."""

    status: Status
    refused_as: Literal[RefusalCode.EMPLOYEE_INSURED, RefusalCode.INSURED_ELSEWHERE, RefusalCode.NOT_ELIGIBLE]


class Required(Cited):
    """Whoever is one of `of` may enrol only as one of `who`; others are refused `not_eligible`."""

    of: Who
    who: Who
    text: Text = Field(description="对外说明：须具备什么")


class Once(Cited):
    """How often a person may enrol."""

    per: Literal["benefit_year"]


class ContributionYears(Cited):
    """Whether years in this scheme and in the employee scheme count for each other."""

    count_for_employee_scheme: bool


class Admission(Cited):
    """Who may enrol."""

    once: Once | None = None
    local_tie: LocalTie
    excluded: tuple[Excluded, ...] = ()
    required: tuple[Required, ...] = ()
    contribution_years: ContributionYears | None = None


class Paper(Part):
    """Papers of which one must be shown."""

    any_of: tuple[Document, ...] = Field(min_length=1, description="有一即可")
    copies: int | None = Field(None, ge=1, le=9, description="份数或张数")
    form: Text | None = Field(None, description="形式要求，如“近期一寸免冠”“原件及复印件”")


class Documents(Cited):
    """The papers of one kind of applicant. The first kind that fits counts, and beside it every one with `also`."""

    kind: Code
    who: Who = Field(default_factory=Who)
    helped: bool = Field(False, description="只适用于获得资助的人员")
    also: bool = Field(False, description="在其他材料之外另行提供")
    papers: tuple[Paper, ...] = Field(description="缺一不可；空列表：无须材料")


class Place(Cited):
    """Where a group registers, in which unit it is gathered, and by whom."""

    group: Code
    who: Who = Field(default_factory=Who)
    unit: Literal["household", "person", "school", "group", "institution"]
    at: tuple[Code, ...] = Field(min_length=1, description="登记地点，任选其一")
    outside_window_at: tuple[Code, ...] = Field((), description="集中征缴期外的登记地点")
    incomplete_household: Literal["warn"] | None = Field(None, description="一户未全部参保时：提醒，不拒绝")
