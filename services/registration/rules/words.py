"""Codes in words, Chinese and English, for whoever reads an explanation or a finding."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.codes import Payer, RefusalCode, Status

from .facts import EnrolmentKind
from .verdict import NotAppliedReason


class Words(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str


STATUSES: Mapping[Status, Words] = {
    Status.DIBAO: Words("低保对象", "dibao recipient"),
    Status.DESTITUTE: Words("特困人员", "destitute person"),
    Status.ORPHAN: Words("孤儿", "orphan"),
    Status.UNATTENDED_CHILD: Words("事实无人抚养儿童", "unattended child"),
    Status.REGISTERED_POOR: Words("建档立卡贫困人口", "registered poor"),
    Status.FALLEN_INTO_POVERTY: Words("返贫致贫人口", "fallen into poverty"),
    Status.AT_RISK_OF_POVERTY: Words("易返贫致贫人口", "at risk of poverty"),
    Status.STABLY_OUT_OF_POVERTY: Words("稳定脱贫人口", "stably out of poverty"),
    Status.LOW_INCOME_FAMILY: Words("低收入家庭", "low-income family"),
    Status.DISABLED: Words("残疾人", "disabled person"),
    Status.KEY_ENTITLED: Words("重点优抚对象", "key entitled person"),
    Status.FAMILY_PLANNING_HARDSHIP: Words("计划生育特殊困难人员", "family-planning hardship"),
    Status.CLERGY: Words("宗教教职人员", "clergy"),
    Status.RETURNED_OVERSEAS_CHINESE: Words("归侨侨眷", "returned overseas Chinese"),
    Status.DETAINED: Words("在押人员", "detained person"),
    Status.ARMED_POLICE: Words("武警官兵", "armed police"),
    Status.EMPLOYEE_INSURED: Words("职工医保应参保人员", "insured as an employee"),
    Status.INSURED_ELSEWHERE: Words("在他处参保人员", "insured elsewhere"),
    Status.STUDENT: Words("在校学生", "student"),
    Status.HARDSHIP_ENTERPRISE_RETIREE: Words("困难企业退休人员", "retiree of an enterprise in hardship"),
    Status.DECEASED: Words("已死亡人员", "deceased"),
    Status.RESIDENCE_PERMIT: Words("居住证持有人", "holder of a residence permit"),
}

PAYERS: Mapping[Payer, Words] = {
    Payer.PERSON: Words("个人", "the person"),
    Payer.MEDICAL_ASSISTANCE_FUND: Words("医疗救助基金", "the medical assistance fund"),
    Payer.COUNTY_FINANCE: Words("县级财政", "the county's finance"),
    Payer.DISTRICT_FINANCE: Words("区级财政", "the district's finance"),
    Payer.CITY_FINANCE: Words("市级财政", "the city's finance"),
    Payer.PROVINCE_FINANCE: Words("省级财政", "the province's finance"),
    Payer.ORIGINAL_CHANNEL: Words("原资助渠道", "the former channel"),
    Payer.ARMED_POLICE_FORCE: Words("武警部队", "the armed police force"),
    Payer.COLLECTIVE: Words("集体", "the collective"),
    Payer.FISCAL: Words("各级财政", "the fiscal subsidy"),
}

NOT_APPLIED: Mapping[NotAppliedReason, Words] = {
    NotAppliedReason.ONE_SUBSIDY_ONLY: Words("只能享受一种资助", "only one subsidy is given"),
    NotAppliedReason.NOT_YET_IDENTIFIED: Words("缴费时尚未认定", "not yet identified at payment"),
    NotAppliedReason.NOT_IN_SCHEME: Words("本方案不资助该身份", "the scheme gives nothing for it"),
    NotAppliedReason.GRADE_NOT_COVERED: Words("该残疾等级不在资助范围", "the grade is not covered"),
    NotAppliedReason.EXPIRED: Words("本年度不在资助年限内", "the benefit year lies outside its years"),
    NotAppliedReason.NOT_LOCAL: Words("须有本统筹区户籍", "local hukou is required"),
    NotAppliedReason.CONDITION_NOT_MET: Words("不符合其他条件", "another condition is not met"),
}

REFUSALS: Mapping[RefusalCode, Words] = {
    RefusalCode.OUTSIDE_WINDOW: Words("不在缴费期内", "outside the period of payment"),
    RefusalCode.CLOSED_DAY: Words("当日不办理缴费", "no payment is taken on that day"),
    RefusalCode.EMPLOYEE_INSURED: Words("属于职工医保应参保人员", "belongs to the employees' scheme"),
    RefusalCode.INSURED_ELSEWHERE: Words("已在他处参保", "insured elsewhere"),
    RefusalCode.NO_LOCAL_TIE: Words("与本统筹区没有参保所需的关系", "has no tie to the pooling area"),
    RefusalCode.DOCUMENTS_MISSING: Words("缺少材料", "papers are missing"),
    RefusalCode.ALREADY_ENROLLED: Words("已参保", "enrolled already"),
    RefusalCode.NO_RULE: Words("政策未作规定", "the notice does not regulate this"),
    RefusalCode.AMOUNT_UNKNOWN: Words("所需金额尚未确定", "a figure that is needed is not set"),
    RefusalCode.NO_COVER_LEFT: Words("本年度已无待遇期", "no cover is left in the year"),
    RefusalCode.NOT_ELIGIBLE: Words("不符合参保条件", "not eligible"),
    RefusalCode.UNKNOWN_SCHEME: Words("没有该方案", "the scheme is unknown"),
}

ENROLMENTS: Mapping[EnrolmentKind, Words] = {
    EnrolmentKind.NEW: Words("新参保", "new enrolment"),
    EnrolmentKind.RENEWAL: Words("续保", "renewal"),
    EnrolmentKind.NEWBORN: Words("新生儿参保", "enrolment of a newborn"),
}


def yuan(amount_fen: int) -> Words:
    """An amount in words: `270元`, `CNY 270`; cents only where there are any."""
    whole, cents = divmod(amount_fen, 100)
    written = f"{whole}.{cents:02d}" if cents else str(whole)
    return Words(f"{written}元", f"CNY {written}")
