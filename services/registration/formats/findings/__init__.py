"""What only shows in the whole of a package: gaps and overlaps, each with a person or a day that shows it.

A package may be sound field by field and still leave a birthday without a rate. The findings ask the compiled rules
about people and days on every boundary that the package names, so they see what an assessment would see.

Read `people` (whom we ask about) → `rates`, `days`, `help` (what is asked) → `citing` (rules without their sentence).
"""

from ...rules.package import Package
from ..faults import PackageFault, mark_of, pointer_of
from ..language import PackageFile
from ..marks import MarkedFile
from .citing import uncited
from .days import closed_days, cover_before_payment, newborn_days
from .finding import Finding
from .help import doubled_help, unsupplied
from .rates import missing_rates, newborn_rates, unreached_rates

__all__ = ["Finding", "find", "findings"]


def find(file: PackageFile, package: Package) -> list[Finding]:
    """Every finding of a package, in the order of its fields; `package` is the file compiled."""
    found = [
        *missing_rates(file, package),
        *newborn_rates(package),
        *unreached_rates(file, package),
        *closed_days(package),
        *cover_before_payment(package),
        *newborn_days(file),
        *unsupplied(file),
        *doubled_help(file),
        *uncited(file),
    ]
    fields = list(PackageFile.model_fields)
    return sorted(found, key=lambda one: fields.index(str(one.steps[0])))


def findings(file: PackageFile, package: Package, marked: MarkedFile) -> list[PackageFault]:
    """The same with their places in the file that was read."""
    placed = []
    for one in find(file, package):
        line, column = mark_of(one.steps, marked) or (None, None)
        placed.append(PackageFault(pointer_of(one.steps), one.code, one.zh, one.en, line, column))
    return placed
