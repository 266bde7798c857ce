"""Personal data at rest: unreadable without the key, in its own place only, and whole or not at all."""

import base64
import hashlib
import io
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import evidence
from shared.database import Database, Writer
from shared.sealing import Sealer

POOL = "999001"
AT = datetime(2021, 9, 1, tzinfo=UTC)
NUMBER = "11010519491231002X"


def setting(current: str = "k1", lookup: bytes = b"l" * 32, **keys: bytes) -> str:
    found = {name: base64.b64encode(key).decode() for name, key in (keys or {"k1": b"1" * 32}).items()}
    return json.dumps({"current": current, "keys": found, "lookup": base64.b64encode(lookup).decode()})


SEALER = Sealer.from_setting(setting())


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_opens_and_is_not_to_be_read(plain: bytes, context: str) -> None:
    sealed = SEALER.seal(plain, context)
    assert SEALER.open(sealed, context) == plain
    assert len(plain) < 4 or plain not in sealed


def test_the_same_value_never_looks_the_same_twice() -> None:
    assert len({SEALER.seal(NUMBER, "person/1") for _ in range(100)}) == 100
    assert SEALER.open_text(SEALER.seal(NUMBER, "person/1"), "person/1") == NUMBER


@pytest.mark.parametrize("context", ["", "person/2", "person/1 ", "PERSON/1"])
def test_it_opens_in_its_own_place_only(context: str) -> None:
    with pytest.raises(InvalidTag):
        SEALER.open(SEALER.seal(NUMBER, "person/1"), context)


def test_a_changed_bit_anywhere_and_a_missing_end_are_seen() -> None:
    sealed = SEALER.seal(NUMBER, "person/1")
    for at in range(len(sealed)):
        for bit in range(8):
            changed = sealed[:at] + bytes([sealed[at] ^ (1 << bit)]) + sealed[at + 1 :]
            # The first bytes name the key: with another name there is no key.
            with pytest.raises(KeyError if at < 3 else InvalidTag):
                SEALER.open(changed, "person/1")
    for length in range(3, len(sealed)):
        with pytest.raises((InvalidTag, ValueError)):
            SEALER.open(sealed[:length], "person/1")


def test_an_older_key_stays_readable_while_the_current_one_moves_on() -> None:
    old = Sealer.from_setting(setting("2020", **{"2020": b"1" * 32}))
    new = Sealer.from_setting(setting("2021", **{"2020": b"1" * 32, "2021": b"2" * 32}))
    gone = Sealer.from_setting(setting("2021", **{"2021": b"2" * 32}))
    before, after = old.seal(NUMBER, "c"), new.seal(NUMBER, "c")
    assert new.open_text(before, "c") == new.open_text(after, "c") == NUMBER
    assert old.lookup_hash(NUMBER) == new.lookup_hash(NUMBER)
    for sealer, sealed in ((old, after), (gone, before)):
        with pytest.raises(KeyError):
            sealer.open(sealed, "c")


def test_the_hash_to_look_up_needs_its_key_and_keeps_its_parts_apart() -> None:
    other = Sealer.from_setting(setting(lookup=b"m" * 32))
    assert SEALER.lookup_hash("resident_id", NUMBER) == SEALER.lookup_hash("resident_id", NUMBER)
    assert SEALER.lookup_hash("resident_id", NUMBER) != other.lookup_hash("resident_id", NUMBER)
    assert SEALER.lookup_hash("resident_id", NUMBER) != SEALER.lookup_hash("resident_id" + NUMBER)
    assert SEALER.lookup_hash("ab", "c") != SEALER.lookup_hash("a", "bc")
    assert SEALER.lookup_hash(NUMBER) != hashlib.sha256(NUMBER.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "[]",
        "{}",
        '{"current": "k1", "keys": [], "lookup": ""}',
        setting("k2"),
        setting(k1=b"too short"),
        setting(lookup=b"too short"),
        setting().replace("MTEx", "****"),
    ],
)
def test_a_faulty_setting_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="sealing keys must be") as refused:
        Sealer.from_setting(text)
    assert "MTEx" not in str(refused.value)


# Evidence: a little more than two parts of one MiB, with something to find in it.
LIST = b"\xef\xbb\xbf" + f"姓名,身份证号\r\n王小明,{NUMBER}\r\n".encode() * 55_000


@pytest.fixture
async def database(databases: dict[str, str]) -> AsyncIterator[Database]:
    opened = Database(databases["payments"])
    yield opened
    await opened.close()


async def keep(database: Database, data: bytes = LIST) -> UUID:
    upload = evidence.Upload(io.BytesIO(data), hashlib.sha256(data).hexdigest(), len(data))
    async with database.writing() as tx:
        return await evidence.keep(tx, SEALER, POOL, "名单.csv", upload, AT)


async def load(database: Database, evidence_id: UUID, sealer: Sealer = SEALER) -> bytes:
    async with database.reading() as tx:
        return await evidence.load(tx, sealer, POOL, evidence_id)


async def test_a_file_comes_back_as_it_came_and_lies_sealed(database: Database) -> None:
    for size in (1, 2**20 - 1, 2**20, 2**20 + 1, len(LIST)):
        data = LIST[-size:]
        evidence_id = await keep(database, data)
        assert await load(database, evidence_id) == data, size
        async with database.reading() as tx:
            row = await tx.row("select * from evidence where evidence_id = :id", id=evidence_id)
            parts = await tx.rows(
                "select * from evidence_part where evidence_id = :id order by part_no", id=evidence_id
            )
        assert row is not None
        assert (row["sha256"], row["size_bytes"], row["file_name"]) == (
            hashlib.sha256(data).hexdigest(),
            size,
            "名单.csv",
        )
        assert [part["part_no"] for part in parts] == list(range(1, -(-size // 2**20) + 1)), size
        at_rest = b"".join(part["sealed"] for part in parts)
        assert NUMBER.encode() not in at_rest
        assert "王小明".encode() not in at_rest


DAMAGE = [
    ("update evidence_part set part_no = case part_no when 1 then 12 when 2 then 11 else 13 end", InvalidTag),
    ("update evidence_part set part_no = -part_no", InvalidTag),
    ("update evidence_part set sealed = set_byte(sealed, 500, 255 - get_byte(sealed, 500)) where part_no = 2",
     InvalidTag),
    ("update evidence_part t set sealed = p.sealed from evidence_part p where p.pool = t.pool and p.part_no = 1",
     InvalidTag),
    ("delete from evidence_part where part_no = 3", evidence.EvidenceAltered),
    ("delete from evidence_part where part_no = 1", evidence.EvidenceAltered),
    ("delete from evidence_part", evidence.EvidenceAltered),
    ("delete from evidence", evidence.EvidenceAltered),
    ("update evidence set sha256 = repeat('0', 64)", evidence.EvidenceAltered),
]  # fmt: skip


async def test_parts_swapped_changed_or_lost_do_not_pass_for_the_file(database: Database) -> None:
    evidence_id = await keep(database)
    for damage, seen in DAMAGE:
        async with database.engine.connect() as connection:  # without a commit: the damage goes with it
            tx = Writer(connection)
            assert await tx.execute(damage), damage
            with pytest.raises(seen):
                await evidence.load(tx, SEALER, POOL, evidence_id)
    assert await load(database, evidence_id) == LIST


async def test_another_files_part_another_services_key_and_no_file_at_all_do_not_pass_either(
    database: Database,
) -> None:
    mine, other = await keep(database), await keep(database)
    with pytest.raises(InvalidTag):
        await load(database, mine, Sealer.from_setting(setting(k1=os.urandom(32))))
    with pytest.raises(evidence.EvidenceAltered):
        await load(database, uuid4())
    async with database.writing() as tx:
        await tx.execute(
            "update evidence_part set sealed = theirs.sealed from evidence_part as theirs "
            "where evidence_part.pool = theirs.pool "
            "and evidence_part.evidence_id = :mine and theirs.evidence_id = :other "
            "and evidence_part.part_no = 1 and theirs.part_no = 1",
            mine=mine,
            other=other,
        )
    with pytest.raises(InvalidTag):
        await load(database, mine)
    assert await load(database, other) == LIST
