"""Help that nobody can prove, or that is stated twice."""

from collections.abc import Iterator

from shared.codes import Status

from ...rules.words import STATUSES
from ..language import PackageFile
from ..language.money import Subsidy
from ..marks import Steps
from .finding import Finding


def unsupplied(file: PackageFile) -> Iterator[Finding]:
    """Statuses that decide about money and that no department hands over."""
    supplied = {status for supply in file.supplies for status in supply.statuses}
    named: list[tuple[Steps, tuple[Status, ...]]] = [
        (("subsidies", "given", number), one.statuses) for number, one in enumerate(_given(file))
    ]
    named += [(("premiums", number), one.who.statuses or ()) for number, one in enumerate(file.premiums)]
    for steps, statuses in named:
        for status in statuses:
            if status in supplied:
                continue
            supplied.add(status)
            words = STATUSES[status]
            yield Finding(
                steps,
                "status_without_supplier",
                f"没有部门提供身份 {status}（{words.zh}）的名单（supplies），例：持有{words.zh}身份的人无从认定",
                f"No department supplies {status} (supplies), for example: nobody can be known as {words.en}",
            )


def doubled_help(file: PackageFile) -> Iterator[Finding]:
    """Two entries for one status under the same conditions in the same years, and years between two entries."""
    given = _given(file)
    for number, other in enumerate(given):
        alike = [one for one in given[:number] if _same_people(one, other)]
        for one in alike:
            year = max(_years(one)[0], _years(other)[0])
            if year <= min(_years(one)[1], _years(other)[1]):
                words = STATUSES[next(status for status in one.statuses if status in other.statuses)]
                shown = year or file.benefit_year
                zh = f"同一身份有两项资助，年度重叠，例：{shown} 年的{words.zh}"
                en = f"Two subsidies for one status in the same year, for example: {words.en} in {shown}"
                yield Finding(("subsidies", "given", number), "subsidies_overlap", zh, en)
        last = max((_years(one)[1] for one in alike), default=None)
        if last is not None and last + 1 < _years(other)[0]:
            words = STATUSES[other.statuses[0]]
            zh = f"两项资助之间的年度没有规定，例：{last + 1} 年的{words.zh}"
            en = f"No entry for the years between two subsidies, for example: {words.en} in {last + 1}"
            yield Finding(("subsidies", "given", number), "benefit_years_hole", zh, en)


def _given(file: PackageFile) -> tuple[Subsidy, ...]:
    return file.subsidies.given if file.subsidies else ()


def _same_people(one: Subsidy, other: Subsidy) -> bool:
    if not set(one.statuses) & set(other.statuses):
        return False
    grades = set(one.grades or _GRADES) & set(other.grades or _GRADES)
    conditions = {"who", "local_hukou", "identified_by"}
    return bool(grades) and one.model_dump_json(include=conditions) == other.model_dump_json(include=conditions)


def _years(subsidy: Subsidy) -> tuple[int, int]:
    years = subsidy.benefit_years
    return (years.first, years.last) if years else _ALWAYS


_ALWAYS = (0, 9999)
_GRADES = (1, 2, 3, 4)
