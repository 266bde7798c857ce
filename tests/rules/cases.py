"""The cases of the notices: YAML that a policy officer reads → what is asked of the preview and what must come of it.

A file `<scheme>.yaml` holds a `person`, who asks for everything in the ordinary way, and `groups`. A group has a title,
the rules and readings it `shows`, and `cases`; a case states only what differs from the person. What a group states
holds for all its cases; a group without `cases` is one case itself.

    asked      the words of the preview, flat. `day` stands for both moments: registered and paid at noon of that day in
               Shanghai; `registered_on` and `paid_on` state one of them. A status held always is its code alone.
    refused    {code: [rules that must be named]}: exactly these codes.
    pays       {payer: fen} or {payer: [fen, status]}: exactly these.
    cover      [from, to]; that of the file where the case gives none.
    not_applied  [[status, reason, fen]]: exactly these.
    cites      ids that the answer must name.

`states` are what a package carries as data and the notice says in so many words: some part of the package that cites
the rule `by` carries these `values`, or the package has no part `absent`. `overlays` are figures that a notice leaves
open and a deployment would set, by path; a group names one with `overlay`. They are invented and stand in no package.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.registration.formats.package import read_package
from services.registration.rules import Package

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGES = ROOT / "services" / "registration" / "packages"
NOT_CASES = {"ids.yaml", "unshown.yaml"}

PERSON = frozenset(
    {
        *("birth_date", "sex", "hukou", "hukou_since", "hukou_kind", "residence", "residence_permit", "former_scheme"),
        *("missed_years", "repaired_years", "child_hukou_here", "pension_elsewhere"),
    }
)
ASKED = PERSON | {"statuses", "enrolment", "registered_at", "paid_at", "documents", "day", "registered_on", "paid_on"}
EXPECTED = frozenset({"refused", "pays", "cover", "not_applied", "cites"})
KNOWN = ASKED | EXPECTED | {"title", "shows", "cases", "says", "overlay"}


@dataclass(frozen=True)
class Case:
    """One question to the preview and what must come of it."""

    name: str
    title: str
    shows: tuple[str, ...]
    scheme: str
    request: dict[str, Any]
    expected: dict[str, Any]
    overlay: str | None = None


@dataclass(frozen=True)
class Statement:
    """What the part of a package that cites a rule must carry, or (`absent`) a part that it must not have."""

    name: str
    title: str
    shows: tuple[str, ...]
    scheme: str
    by: str | None
    values: Mapping[str, Any] = field(hash=False)
    absent: str | None = None

    def holds(self) -> bool:
        """Whether the package is so."""
        stated = source(self.scheme)
        if self.absent:
            return stated.get(self.absent) is None
        citing = [part for part in _parts(stated) if self.by in part.get("rules", ())]
        return any(_carries(part, self.values) for part in citing)


@cache
def ids() -> Mapping[str, Any]:
    """Every rule with what it is about (`rules`) and every reading (`readings`)."""
    listed = yaml.safe_load((HERE / "ids.yaml").read_text(encoding="utf-8"))
    return {"rules": listed["rules"], "readings": [one for row in listed["readings"] for one in row]}


@cache
def unshown() -> Mapping[str, Mapping[str, str]]:
    """Rules and readings in which software has no part (`exempt`), and what is still to be built (`due`)."""
    listed: dict[str, dict[str, str]] = yaml.safe_load((HERE / "unshown.yaml").read_text(encoding="utf-8"))
    return listed


def files() -> list[Path]:
    """The files of cases, by scheme."""
    return sorted(path for path in HERE.glob("*.yaml") if path.name not in NOT_CASES)


def cases() -> list[Case]:
    """Every case of every scheme."""
    return [case for path in files() for case in _cases_of(path.stem, _load(path))]


def statements() -> list[Statement]:
    """Everything that a package must carry as data."""
    return [
        Statement(
            name=f"{path.stem}-states-{place:02}",
            title=one["title"],
            shows=tuple(one["shows"]),
            scheme=path.stem,
            by=one.get("by"),
            values=one.get("values", {}),
            absent=one.get("absent"),
        )
        for path in files()
        for place, one in enumerate(_load(path).get("states", ()), start=1)
    ]


def differences(case: Case, answer: Mapping[str, Any]) -> list[str]:
    """What the answer gets wrong, in words; nothing where all is as the case says."""
    found = list(_refusal(case.expected, answer) if "refused" in case.expected else _acceptance(case.expected, answer))
    strangers = [rule for rule in answer["rules"] if re.match("S", rule) and rule not in ids()["rules"]]
    return found + [f"unknown rule {rule}" for rule in strangers]


@cache
def package(scheme: str, overlay: str | None = None) -> Package:
    """A package as the rules work with it, with the figures of an overlay of its file of cases."""
    if overlay is None:
        return read_package((PACKAGES / f"{scheme}.yaml").read_bytes()).package
    stated = _load(PACKAGES / f"{scheme}.yaml")
    for change in _load(HERE / f"{scheme}.yaml")["overlays"][overlay]:
        *above, last = change["at"].split(".")
        part: Any = stated
        for step in above:
            part = part[int(step)] if isinstance(part, list) else part[step]
        if isinstance(part, list):
            part.insert(int(last), change["is"])
        else:
            part[last] = change["is"]
    return read_package(yaml.safe_dump(stated, allow_unicode=True).encode()).package


@cache
def source(scheme: str) -> Any:
    """A package as an officer wrote it."""
    return _load(PACKAGES / f"{scheme}.yaml")


def _parts(stated: Any) -> Iterator[dict[str, Any]]:
    """Every part of a package, however deep."""
    if isinstance(stated, dict):
        yield stated
    for inner in stated.values() if isinstance(stated, dict) else stated:
        if isinstance(inner, dict | list):
            yield from _parts(inner)


def _carries(part: Any, values: Any) -> bool:
    """Whether a part carries these values; what else it carries is its own."""
    if isinstance(values, dict):
        return isinstance(part, dict) and all(_carries(part.get(key), value) for key, value in values.items())
    return bool(part == values)


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _cases_of(scheme: str, file: Mapping[str, Any]) -> Iterator[Case]:
    for number, group in enumerate(file["groups"], start=1):
        for place, single in enumerate(group.get("cases", [{}]), start=1):
            stated = {**file["person"], "cover": file["cover"], **group, **single}
            unknown = stated.keys() - KNOWN
            assert not unknown, f"{scheme}: {group['title']}: no such word {sorted(unknown)}"
            if "refused" in single:
                stated.pop("pays", None)
            if "pays" in single:
                stated.pop("refused", None)
            yield Case(
                name=f"{scheme}-{number:02}-{place:02}",
                title=": ".join(filter(None, (group["title"], single.get("says")))),
                shows=tuple(dict.fromkeys([*group.get("shows", ()), *single.get("shows", ())])),
                scheme=scheme,
                request=_request(scheme, stated),
                expected={key: value for key, value in stated.items() if key in EXPECTED},
                overlay=stated.get("overlay"),
            )


def _request(scheme: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    registered = stated.get("registered_on", stated.get("day"))
    paid = stated.get("paid_on", stated.get("day"))
    request = {
        "scheme": scheme,
        "person": {key: _plain(value) for key, value in stated.items() if key in PERSON},
        "statuses": [_status(one) for one in stated.get("statuses", ())],
        "enrolment": stated["enrolment"],
        "registered_at": stated.get("registered_at") or _noon(registered),
        "paid_at": stated.get("paid_at") or (_noon(paid) if paid else None),
    }
    return request | ({"documents": stated["documents"]} if "documents" in stated else {})


def _noon(day: date) -> str:
    return f"{day.isoformat()}T12:00:00+08:00"


def _status(given: str | Mapping[str, Any]) -> dict[str, Any]:
    return {"code": given} if isinstance(given, str) else {key: _plain(value) for key, value in given.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _refusal(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    wanted: Mapping[str, list[str]] = expected["refused"]
    given = {reason["code"]: reason["rules"] for reason in answer["reasons"]}
    if answer["decision"] != "refused" or sorted(wanted) != sorted(reason["code"] for reason in answer["reasons"]):
        yield f"refused {sorted(wanted)} expected, got {answer['decision']} {sorted(given)}"
    for code, rules in wanted.items():
        if code in given and not set(rules) <= set(given[code]):
            yield f"{code} should name {rules}, names {given[code]}"
    if any(not reason["detail"] for reason in answer["reasons"]):
        yield "a refusal without words"


def _acceptance(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["decision"] != "accepted":
        yield f"accepted expected, got {[reason['code'] for reason in answer['reasons']]}"
        return
    wanted = Counter({_line(payer, share): _fen(share) for payer, share in expected["pays"].items()})
    given: Counter[tuple[str, str | None]] = Counter()
    for line in answer["lines"]:
        given[line["payer"], line["status"]] += line["amount_fen"]
    own = sum(fen for (payer, _), fen in wanted.items() if payer == "person")
    for what, right, got in (
        ("lines", dict(+wanted), dict(given)),
        ("standard_fen", wanted.total(), answer["standard_fen"]),
        ("payable_fen", own, answer["payable_fen"]),
        ("cover", _span(expected["cover"]), answer["cover"]),
        ("not_applied", sorted(expected.get("not_applied", [])), _left(answer)),
    ):
        if right != got:
            yield f"{what}: {right} expected, got {got}"
    missing = set(expected.get("cites", ())) - set(answer["rules"])
    if missing:
        yield f"rules should name {sorted(missing)}, names {answer['rules']}"


def _line(payer: str, share: int | list[Any]) -> tuple[str, str | None]:
    return payer, share[1] if isinstance(share, list) else None


def _fen(share: int | list[Any]) -> int:
    return share[0] if isinstance(share, list) else share


def _span(cover: list[date] | None) -> dict[str, str] | None:
    return None if cover is None else {"from": cover[0].isoformat(), "to": cover[1].isoformat()}


def _left(answer: Mapping[str, Any]) -> list[list[Any]]:
    return sorted([one["status"], one["reason"], one["amount_fen"]] for one in answer["not_applied"])
