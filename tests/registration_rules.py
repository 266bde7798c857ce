"""Cases of an assessment: a person who gets everything right, and what a case changes about them."""

from datetime import date
from pathlib import Path
from typing import Any

from services.registration.formats.package import read_package
from services.registration.rules import Accepted, EnrolmentKind, Facts, GivenStatus, Package, Refused, assess
from shared.codes import Status

PACKAGES = Path("services/registration/packages")
SCHEMES: dict[str, Package] = {
    path.stem: read_package(path.read_bytes()).package for path in sorted(PACKAGES.glob("*.yaml"))
}
YANGCHENG = SCHEMES["yangcheng-2022"]
HERE, AWAY = "140522108", "140523001"
DAY = date(2021, 10, 12)


def facts(**changes: Any) -> Facts:
    """A local resident who renews on an open day, with these changes."""
    ordinary: dict[str, Any] = {
        "birth_date": date(1980, 2, 3),
        "hukou": HERE,
        "hukou_since": None,
        "residence": HERE,
        "enrolment": EnrolmentKind.RENEWAL,
        "registered_on": DAY,
        "paid_on": DAY,
    }
    return Facts(**{**ordinary, **changes})


def newborn(**changes: Any) -> Facts:
    """A local child of the benefit year, registered a month after its birth."""
    child: dict[str, Any] = {
        "birth_date": date(2022, 3, 15),
        "enrolment": EnrolmentKind.NEWBORN,
        "registered_on": date(2022, 4, 15),
        "paid_on": None,
    }
    return facts(**{**child, **changes})


def held(code: str, since: date | None = None, grade: int | None = None) -> GivenStatus:
    """A status as the case gives it."""
    return GivenStatus(Status(code), grade, since)


def accepted(case: Facts, package: Package = YANGCHENG) -> Accepted:
    """The acceptance of a case that must be accepted."""
    verdict = assess(package, case)
    assert isinstance(verdict, Accepted), verdict
    return verdict


def refusals(case: Facts, package: Package = YANGCHENG) -> list[str]:
    """The codes of all reasons; none where the case is accepted."""
    verdict = assess(package, case)
    return [reason.code for reason in verdict.reasons] if isinstance(verdict, Refused) else []
