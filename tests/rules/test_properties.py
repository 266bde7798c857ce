"""What must hold under every package, whoever asks: money adds up, help never costs, a refusal says by which rule."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registration.rules.package import FixedHelp, FullHelp, PercentHelp, Subsidy
from services.registration.usecases.preview import preview
from shared.codes import STATED, Document
from tests.rules.cases import PACKAGES, package

SCHEMES = sorted(path.stem for path in PACKAGES.glob("*.yaml"))
HELPED_SOMEWHERE = {
    *("dibao", "destitute", "orphan", "unattended_child", "registered_poor", "fallen_into_poverty"),
    *("at_risk_of_poverty", "disabled", "key_entitled", "family_planning_hardship"),
}
FIGURES = {"tongliao-2016": "figures", "yangquan-2018": "fiscal_450"}
"""The overlays by which the schemes that leave figures open have something to pay."""


def days_around(year: int) -> st.SearchStrategy[str]:
    """Days of the benefit year and of the autumn before it."""
    return st.dates(date(year - 1, 8, 1), date(year, 12, 31)).map(date.isoformat)


def held(year: int) -> st.SearchStrategy[dict[str, Any]]:
    """A status as a caller may state it."""
    stated = {"code": st.sampled_from([status.value for status in STATED]), "grade": st.integers(1, 4)}
    return st.fixed_dictionaries(stated, optional={"identified_on": days_around(year)})


@st.composite
def asked(draw: st.DrawFn, scheme: str) -> dict[str, Any]:
    """A preview of somebody: mostly a resident who pays inside the period, sometimes odd in every respect."""
    whole = package(scheme)
    year, here = whole.benefit_year, whole.pool
    places = st.sampled_from([here, here, here, "110101001"])
    born = st.dates(date(1930, 1, 1), date(year - 1, 8, 1)) | st.dates(date(year - 1, 8, 1), date(year, 12, 31))
    inside = st.dates(whole.window.opens_on or date(year - 1, 8, 1), whole.window.closes_on or date(year, 12, 31))
    day = draw(inside.map(date.isoformat) | days_around(year))
    person = {
        "birth_date": draw(born).isoformat(),
        "sex": draw(st.sampled_from(["male", "female", None])),
        "hukou": draw(places),
        "hukou_since": draw(st.none() | st.none() | days_around(year)),
        "hukou_kind": draw(st.sampled_from(["urban", "rural", None])),
        "residence": draw(places),
        "residence_permit": draw(st.booleans()),
        "former_scheme": draw(st.sampled_from(["urban", "nrcms", None])),
        "missed_years": draw(st.integers(0, 6)),
        "repaired_years": draw(st.integers(0, 6)),
    }
    papers = st.lists(st.sampled_from([paper.value for paper in Document]), max_size=4)
    return {
        "scheme": scheme,
        "person": person,
        "statuses": draw(st.lists(held(year), max_size=4)),
        "enrolment": draw(st.sampled_from(["new", "renewal", "renewal", "renewal", "newborn"])),
        "registered_at": f"{day}T09:00:00+08:00",
        "paid_at": draw(st.sampled_from([None, f"{day}T10:00:00+08:00"])),
        "documents": draw(st.none() | st.none() | papers),
    }


def answered(body: dict[str, Any]) -> dict[str, Any]:
    """The answer under the package, its open figures set where there is an overlay."""
    scheme = body["scheme"]
    return preview({scheme: package(scheme, FIGURES.get(scheme))}, body)


def more_of(subsidy: Subsidy) -> Subsidy:
    """A subsidy that gives more, where it can: ten per cent, ten yuan."""
    match subsidy.help:
        case PercentHelp(percent, floor_fen, cap_fen):
            cap_fen = None if cap_fen is None else cap_fen + 1000
            return replace(subsidy, help=PercentHelp(min(percent + 10, 100), floor_fen + 1000, cap_fen))
        case FixedHelp(amount_fen):
            return replace(subsidy, help=FixedHelp(amount_fen + 1000))
        case FullHelp():
            return subsidy


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_answer_is_whole(scheme: str, data: st.DataObject):
    body = data.draw(asked(scheme))
    answer = answered(body)
    if answer["decision"] == "refused":
        reasons = answer["reasons"]
        codes = [reason["code"] for reason in reasons]
        assert codes
        assert len(codes) == len(set(codes))
        assert not {"closed_day", "outside_window"} <= set(codes)
        assert all(reason["detail"] and (reason["rules"] or reason["code"] == "no_rule") for reason in reasons)
        assert [answer[key] for key in ("standard_fen", "payable_fen", "cover")] == [None, None, None]
        assert answer["lines"] == answer["not_applied"] == []
        return
    assert answer["rules"]
    own_fen = sum(line["amount_fen"] for line in answer["lines"] if line["payer"] == "person")
    assert sum(line["amount_fen"] for line in answer["lines"]) == answer["standard_fen"]
    assert 0 <= answer["payable_fen"] == own_fen <= answer["standard_fen"]
    assert all(line["amount_fen"] > 0 and line["rules"] for line in answer["lines"])
    if answer["cover"]:
        assert answer["cover"]["from"] <= answer["cover"]["to"]
    given_codes = Counter(status["code"] for status in body["statuses"] if status["code"] in HELPED_SOMEWHERE)
    told = Counter(one["status"] for one in answer["not_applied"] if one["status"] in HELPED_SOMEWHERE)
    told.update({line["status"] for line in answer["lines"] if line["status"] in HELPED_SOMEWHERE})
    assert told == given_codes


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_one_more_status_never_raises_what_the_person_pays(scheme: str, data: st.DataObject):
    body = data.draw(asked(scheme))
    more = data.draw(held(package(scheme).benefit_year))
    before, after = answered(body), answered({**body, "statuses": [*body["statuses"], more]})
    if before["decision"] == after["decision"] == "accepted":
        assert after["payable_fen"] <= before["payable_fen"]


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_more_help_never_means_paying_more(scheme: str, data: st.DataObject):
    whole = package(scheme, FIGURES.get(scheme))
    given_more = replace(
        whole.subsidies,
        by_status={status: tuple(map(more_of, each)) for status, each in whole.subsidies.by_status.items()},
        described=tuple(map(more_of, whole.subsidies.described)),
    )
    generous = replace(whole, subsidies=given_more)
    body = data.draw(asked(scheme))
    before, after = preview({scheme: whole}, body), preview({scheme: generous}, body)
    assert after["decision"] == before["decision"]
    if after["decision"] == "accepted":
        assert after["payable_fen"] <= before["payable_fen"]
        assert after["standard_fen"] == before["standard_fen"]


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_order_of_statuses_does_not_matter(scheme: str, data: st.DataObject):
    body = data.draw(asked(scheme))
    one, other = answered(body), answered({**body, "statuses": body["statuses"][::-1]})
    for answer in (one, other):
        answer["not_applied"].sort(key=lambda gone: (gone["status"], gone["reason"]))
    assert one == other
