"""The law is data: no place, division code, benefit year or amount of a notice stands in the product's Python."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.registration_rules import PACKAGES

PRODUCT = [*Path("services").rglob("*.py"), *Path("shared").rglob("*.py")]
PLACES = ("阳城", "蟒河", "兰山", "临沂", "阳泉", "通辽", "科尔沁")
FILES: list[dict[str, Any]] = [yaml.safe_load(path.read_bytes()) for path in sorted(PACKAGES.glob("*.yaml"))]


def amounts(part: Any) -> Iterator[int]:
    """Every amount that a package states."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name.endswith("_fen") and isinstance(value, int):
                yield value
            yield from amounts(value)
    elif isinstance(part, list):
        for value in part:
            yield from amounts(value)


NUMBERS = {amount for file in FILES for amount in amounts(file)} | {file["benefit_year"] for file in FILES}
# A scheme is named after its place, but for those of an unnamed county and of the whole country.
NAMES = {file["scheme"].rsplit("-", 1)[0] for file in FILES} - {"county", "national"}
CODES = {file["pool"] for file in FILES} | NAMES | set(PLACES)


def found_in(token: tokenize.TokenInfo) -> set[str]:
    """What of a notice a token says."""
    if token.type == tokenize.NUMBER:
        digits = token.string.replace("_", "")
        return {digits} if digits.isdigit() and int(digits) in NUMBERS else set()
    if tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE", "COMMENT"):  # f-strings differ between versions
        numbers = re.findall(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])", token.string)
        return {number for number in numbers if int(number) in NUMBERS} | {
            code for code in CODES if code in token.string
        }
    return set()


def said_by(path: Path) -> list[str]:
    """What a file says of notices, with its lines. Rule ids are no amounts: S004-14 has letters before its digits."""
    with path.open("rb") as lines:
        tokens = list(tokenize.tokenize(lines.readline))
    return [f"{path}:{token.start[0]} {found}" for token in tokens for found in sorted(found_in(token))]


def test_no_place_code_year_or_amount_of_a_notice_stands_in_code():
    assert {"140522", "yangcheng"} <= CODES
    assert {32000, 2022} <= NUMBERS
    assert {file["scheme"].rsplit("-", 1)[0] for file in FILES} - NAMES == {"county", "national"}
    said = [line for path in sorted(PRODUCT) if "migrations" not in path.parts for line in said_by(path)]
    assert said == []


@pytest.mark.parametrize("text", ["x = 32_000", "x = '1405220001'", "# 阳城县", "y = f'{x} 2022'", "'yangcheng-2031'"])
def test_the_search_finds_them(text: str, tmp_path: Path):
    path = tmp_path / "x.py"
    path.write_text(text, encoding="utf-8")
    assert said_by(path)
