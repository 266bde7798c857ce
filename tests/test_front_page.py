"""What the pages say is so: their links lead somewhere, their commands are there, the front page counts right."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.rules.cases import ids
from tests.suite import ORDER, ROOT

FRONT = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = ("deploy", "docs", "services", "shared")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
TARGETS = set(re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0].split())
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
_COMMAND = re.compile(r"(?:`|^|\$\()make ([a-z-]+)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_commands_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []
    assert set(_COMMAND.findall(text)) - TARGETS == set()


def test_the_front_page_counts_the_rules_and_the_open_questions() -> None:
    assert f"the {len(ids()['rules'])} rules and {len(ids()['readings'])} open questions" in FRONT


def test_the_front_page_counts_the_invariants() -> None:
    own = sum(len(import_module(f"services.{service}.invariants").INVARIANTS) for service in ORDER)
    of_keys = len(ORDER)  # `shared/rotation`: each service has one about its sealing keys
    assert f"invariants: {own + of_keys} checked, 0 broken" in FRONT
