"""The preview answers as the notices say: every case of the files beside this one, by the packages as published."""

import pytest

from services.registration.usecases.preview import preview
from tests.rules.cases import Case, Statement, cases, differences, package, statements


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=pytest.mark.rule(*case.shows)) for case in cases()]
)
def test_preview_answers_as_the_notice_says(case: Case):
    answer = preview({case.scheme: package(case.scheme, case.overlay)}, case.request)
    assert not differences(case, answer), f"{case.title}\n{case.request}\n{answer}"


@pytest.mark.parametrize(
    "stated", [pytest.param(one, id=one.name, marks=pytest.mark.rule(*one.shows)) for one in statements()]
)
def test_package_states_what_the_notice_says(stated: Statement):
    assert stated.holds(), stated.title
