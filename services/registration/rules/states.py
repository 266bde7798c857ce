"""The state graphs of registration, by the table whose rows they move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.graph import Graph


class PackageState(StrEnum):
    """政策包: a version, from the draft to what is in force, and to what a correction has replaced."""

    DRAFT = "draft"
    VALIDATED = "validated"
    PUBLISHED = "published"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class PackageAct(StrEnum):
    """What happens to a version. Another person than who drafted and validated it publishes it.

    `correct`: a later version of the scheme is published in its place.
    """

    WRITE = "write"
    VALIDATE = "validate"
    PUBLISH = "publish"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


PACKAGE_TRANSITIONS = Graph(
    PackageState,
    PackageAct,
    {
        (None, PackageAct.WRITE): PackageState.DRAFT,
        (PackageState.DRAFT, PackageAct.VALIDATE): PackageState.VALIDATED,
        (PackageState.DRAFT, PackageAct.WITHDRAW): PackageState.WITHDRAWN,
        (PackageState.VALIDATED, PackageAct.VALIDATE): PackageState.VALIDATED,
        (PackageState.VALIDATED, PackageAct.PUBLISH): PackageState.PUBLISHED,
        (PackageState.VALIDATED, PackageAct.WITHDRAW): PackageState.WITHDRAWN,
        (PackageState.PUBLISHED, PackageAct.CORRECT): PackageState.REPLACED,
        (PackageState.WITHDRAWN, PackageAct.WRITE): PackageState.DRAFT,
    },
)


class RunState(StrEnum):
    """批量试算、重新核定: a package over everybody who is enrolled in a scheme."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class RunAct(StrEnum):
    """What happens to a run. `judge_people`: the job has done up to 500 of them in one transaction."""

    START = "start"
    JUDGE_PEOPLE = "judge_people"
    JUDGE_LAST = "judge_last"
    CANCEL = "cancel"


RUN_TRANSITIONS = Graph(
    RunState,
    RunAct,
    {
        (None, RunAct.START): RunState.RUNNING,
        (RunState.RUNNING, RunAct.JUDGE_PEOPLE): RunState.RUNNING,
        (RunState.RUNNING, RunAct.JUDGE_LAST): RunState.DONE,
        (RunState.RUNNING, RunAct.CANCEL): RunState.CANCELLED,
    },
)


class RosterState(StrEnum):
    """花名册: from its bytes to the outcome of its last row."""

    RECEIVED = "received"
    TAKEN = "taken"


class RosterAct(StrEnum):
    """What happens to a roster. `take_rows`: the job has done up to 500 of them in one transaction."""

    RECEIVE = "receive"
    TAKE_ROWS = "take_rows"
    TAKE_LAST_ROW = "take_last_row"


ROSTER_TRANSITIONS = Graph(
    RosterState,
    RosterAct,
    {
        (None, RosterAct.RECEIVE): RosterState.RECEIVED,
        (RosterState.RECEIVED, RosterAct.TAKE_ROWS): RosterState.RECEIVED,
        (RosterState.RECEIVED, RosterAct.TAKE_LAST_ROW): RosterState.TAKEN,
    },
)


class EnrolmentState(StrEnum):
    """参保登记: of one person in one scheme-year."""

    ENROLLED = "enrolled"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class EnrolmentAct(StrEnum):
    """What happens to an enrolment.

    `revise`: another assessment is in force; `pay` and `reverse` are payments' news; `withdraw`: the person is excluded
    before cover begins.
    """

    ENROL = "enrol"
    REVISE = "revise"
    PAY = "pay"
    REVERSE = "reverse"
    WITHDRAW = "withdraw"


ENROLMENT_TRANSITIONS = Graph(
    EnrolmentState,
    EnrolmentAct,
    {
        (None, EnrolmentAct.ENROL): EnrolmentState.ENROLLED,
        (EnrolmentState.ENROLLED, EnrolmentAct.REVISE): EnrolmentState.ENROLLED,
        (EnrolmentState.ENROLLED, EnrolmentAct.PAY): EnrolmentState.PAID,
        (EnrolmentState.ENROLLED, EnrolmentAct.WITHDRAW): EnrolmentState.WITHDRAWN,
        (EnrolmentState.PAID, EnrolmentAct.REVISE): EnrolmentState.PAID,
        (EnrolmentState.PAID, EnrolmentAct.PAY): EnrolmentState.PAID,
        (EnrolmentState.PAID, EnrolmentAct.REVERSE): EnrolmentState.ENROLLED,
        (EnrolmentState.PAID, EnrolmentAct.WITHDRAW): EnrolmentState.WITHDRAWN,
    },
)


class CaseState(StrEnum):
    """个案: news that change nothing by themselves."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    NOTED = "noted"


class CaseAct(StrEnum):
    """What happens to a case. `note`: it asks nothing of anybody."""

    OPEN = "open"
    NOTE = "note"
    APPROVE = "approve"
    DECLINE = "decline"


CASE_TRANSITIONS = Graph(
    CaseState,
    CaseAct,
    {
        (None, CaseAct.OPEN): CaseState.OPEN,
        (None, CaseAct.NOTE): CaseState.NOTED,
        (CaseState.OPEN, CaseAct.APPROVE): CaseState.APPROVED,
        (CaseState.OPEN, CaseAct.DECLINE): CaseState.DECLINED,
    },
)

GRAPHS: Mapping[str, Graph[Any, Any]] = {
    "package_version": PACKAGE_TRANSITIONS,
    "package_run": RUN_TRANSITIONS,
    "roster": ROSTER_TRANSITIONS,
    "enrolment": ENROLMENT_TRANSITIONS,
    "status_case": CASE_TRANSITIONS,
}
