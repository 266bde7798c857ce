"""Codes that outsiders hold on to (contracts.md, *Codes*): the order of statuses is the order of ties."""

from enum import StrEnum


class Status(StrEnum):
    """身份类别: a fact about a person from a department."""

    DIBAO = "dibao"
    DESTITUTE = "destitute"
    ORPHAN = "orphan"
    UNATTENDED_CHILD = "unattended_child"
    REGISTERED_POOR = "registered_poor"
    FALLEN_INTO_POVERTY = "fallen_into_poverty"
    AT_RISK_OF_POVERTY = "at_risk_of_poverty"
    STABLY_OUT_OF_POVERTY = "stably_out_of_poverty"
    LOW_INCOME_FAMILY = "low_income_family"
    DISABLED = "disabled"
    KEY_ENTITLED = "key_entitled"
    FAMILY_PLANNING_HARDSHIP = "family_planning_hardship"
    CLERGY = "clergy"
    RETURNED_OVERSEAS_CHINESE = "returned_overseas_chinese"
    DETAINED = "detained"
    ARMED_POLICE = "armed_police"
    EMPLOYEE_INSURED = "employee_insured"
    INSURED_ELSEWHERE = "insured_elsewhere"
    STUDENT = "student"
    HARDSHIP_ENTERPRISE_RETIREE = "hardship_enterprise_retiree"
    DECEASED = "deceased"
    RESIDENCE_PERMIT = "residence_permit"


STATED = tuple(status for status in Status if status is not Status.RESIDENCE_PERMIT)
"""What may be stated of a person as a status. A permit is a fact of its own; only its supplier tells it as a status."""


class Payer(StrEnum):
    """Who pays a line of an assessment."""

    PERSON = "person"
    MEDICAL_ASSISTANCE_FUND = "medical_assistance_fund"
    COUNTY_FINANCE = "county_finance"
    DISTRICT_FINANCE = "district_finance"
    CITY_FINANCE = "city_finance"
    PROVINCE_FINANCE = "province_finance"
    ORIGINAL_CHANNEL = "original_channel"
    ARMED_POLICE_FORCE = "armed_police_force"
    COLLECTIVE = "collective"
    FISCAL = "fiscal"


class Document(StrEnum):
    """Papers that an applicant shows."""

    ID_CARD = "id_card"
    HUKOU_BOOKLET = "hukou_booklet"
    HUKOU_CERTIFICATE = "hukou_certificate"
    RESIDENCE_PERMIT = "residence_permit"
    RESIDENCE_CERTIFICATE = "residence_certificate"
    UNINSURED_CERTIFICATE = "uninsured_certificate"
    BIRTH_CERTIFICATE = "birth_certificate"
    STUDENT_CARD = "student_card"
    PHOTO = "photo"
    SOCIAL_SECURITY_CARD = "social_security_card"
    OLD_SCHEME_CERTIFICATE = "old_scheme_certificate"
    INSURANCE_HANDBOOK = "insurance_handbook"
    STATUS_CERTIFICATE = "status_certificate"
    DEATH_CERTIFICATE = "death_certificate"
    BANK_ACCOUNT = "bank_account"


class RefusalCode(StrEnum):
    """Why an assessment is refused."""

    OUTSIDE_WINDOW = "outside_window"
    CLOSED_DAY = "closed_day"
    EMPLOYEE_INSURED = "employee_insured"
    INSURED_ELSEWHERE = "insured_elsewhere"
    NO_LOCAL_TIE = "no_local_tie"
    DOCUMENTS_MISSING = "documents_missing"
    ALREADY_ENROLLED = "already_enrolled"
    NO_RULE = "no_rule"
    AMOUNT_UNKNOWN = "amount_unknown"
    NO_COVER_LEFT = "no_cover_left"
    NOT_ELIGIBLE = "not_eligible"
    UNKNOWN_SCHEME = "unknown_scheme"


class Channel(StrEnum):
    """Where money comes in."""

    WECHAT = "wechat"
    BANK = "bank"
    ETAX = "etax"
    COUNTER = "counter"
    AGENT = "agent"
