"""What once broke a parser does not break it again, and every parser takes what it is begun with."""

from pathlib import Path

import pytest

from tests.fuzzing.targets import SEEDS, TARGETS

FOUND = sorted((Path(__file__).parent / "fuzzing" / "found").glob("*"))


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe", b"{}", b"[]", b"<a/>", b"PK\x03\x04", b"\xef\xbb\xbf,\n"])
def test_every_parser_takes_scraps(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", SEEDS)
def test_every_parser_takes_what_it_is_begun_with(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_breaks_nothing_any_more(path: Path) -> None:
    TARGETS[path.name.partition("-")[0]](path.read_bytes())
