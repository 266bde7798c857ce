"""Tables of batch withholding: agreements with the persons they pay for, batches, their lines, and the bank's files."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

agreement = Table(
    "agreement",
    metadata,
    Column("pool", Text, nullable=False),
    Column("agreement_id", Uuid, nullable=False),
    Column("region", Text, nullable=False),
    Column("institution", Text, nullable=False),
    Column("agreement_no", Text, nullable=False),
    Column("payer_name", Text, nullable=False),
    Column("payer_id", Uuid),
    Column("account", LargeBinary, nullable=False),  # sealed
    Column("account_masked", Text, nullable=False),
    Column("signed_on", Date, nullable=False),
    Column("valid_until", Date),
    Column("state", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "agreement_id"),
    UniqueConstraint("pool", "institution", "agreement_no", name="agreement_number"),
    CheckConstraint("state in ('valid', 'withdrawn')", name="agreement_state"),
    CheckConstraint("valid_until >= signed_on", name="agreement_valid"),
    CheckConstraint("(state = 'withdrawn') = (withdrawn_at is not null)", name="agreement_withdrawn"),
    Index("agreement_institution", "pool", "institution", "agreement_id", postgresql_where=text("state = 'valid'")),
)

agreement_person = Table(
    "agreement_person",
    metadata,
    Column("pool", Text, nullable=False),
    Column("agreement_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("standing", Boolean, nullable=False),  # until the agreement is withdrawn
    PrimaryKeyConstraint("pool", "agreement_id", "person_id"),
    ForeignKeyConstraint(["pool", "agreement_id"], ["agreement.pool", "agreement.agreement_id"]),
    Index("agreement_person_once", "pool", "person_id", unique=True, postgresql_where=text("standing")),
)

withholding = Table(
    "withholding",
    metadata,
    Column("pool", Text, nullable=False),
    Column("withholding_id", Uuid, nullable=False),
    Column("institution", Text, nullable=False),
    Column("batch_no", Text, nullable=False),
    Column("debit_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("built_by", Text, nullable=False),
    Column("built_at", Instant, nullable=False),
    Column("released_by", Text),
    Column("released_at", Instant),
    Column("file_id", Uuid),
    Column("refusal", Text),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "withholding_id"),
    UniqueConstraint("pool", "institution", "batch_no", name="withholding_number"),
    ForeignKeyConstraint(["pool", "file_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint(
        "state in ('built', 'sent', 'returned', 'closed', 'refused', 'cancelled')", name="withholding_state"
    ),
    CheckConstraint("line_count >= 0 and total_fen >= 0", name="withholding_totals"),
    CheckConstraint(
        "(state in ('built', 'cancelled')) = (released_by is null) and num_nulls(released_by, released_at, file_id) "
        "in (0, 3)",
        name="withholding_released",
    ),
    CheckConstraint("released_by <> built_by", name="withholding_four_eyes"),
)

withholding_line = Table(
    "withholding_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("withholding_id", Uuid, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("seq", Integer),  # its number in the file, once it is released
    Column("agreement_id", Uuid, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("debited_fen", BigInteger),
    Column("debited_at", Instant),
    Column("collection_id", Uuid),
    Column("message", Text),
    PrimaryKeyConstraint("pool", "withholding_id", "bill_no"),
    UniqueConstraint("pool", "withholding_id", "seq", name="withholding_line_seq"),
    ForeignKeyConstraint(["pool", "withholding_id"], ["withholding.pool", "withholding.withholding_id"]),
    ForeignKeyConstraint(["pool", "bill_no"], ["bill.pool", "bill.bill_no"]),
    ForeignKeyConstraint(["pool", "agreement_id"], ["agreement.pool", "agreement.agreement_id"]),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    CheckConstraint("state in ('asked', 'debited', 'partial', 'failed', 'dropped')", name="withholding_line_state"),
    CheckConstraint("amount_fen > 0", name="withholding_line_amount"),
    CheckConstraint(
        "(state in ('debited', 'partial')) = (collection_id is not null) "
        "and num_nulls(debited_fen, debited_at, collection_id) in (0, 3) "
        "and (state <> 'debited' or debited_fen = amount_fen) and (state <> 'partial' or debited_fen <> amount_fen)",
        name="withholding_line_booked",
    ),
    Index("withholding_line_asked", "pool", "bill_no", unique=True, postgresql_where=text("state = 'asked'")),
    Index("withholding_line_bill", "pool", "bill_no"),
    Index("withholding_line_collection", "pool", "collection_id"),
)

withholding_return = Table(
    "withholding_return",
    metadata,
    Column("pool", Text, nullable=False),
    Column("withholding_id", Uuid, nullable=False),
    Column("return_no", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("evidence_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("told", Json),  # what the file says of itself; null where it says nothing that can be read
    Column("found", Json),  # what its lines come to
    Column("lines_taken", Integer, nullable=False),
    Column("faults", Json, nullable=False),  # lines that were not taken: number in the file → why
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("judged_by", Text),
    Column("judged_at", Instant),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "withholding_id", "return_no"),
    UniqueConstraint("pool", "withholding_id", "sha256", "kind", name="withholding_return_bytes"),
    ForeignKeyConstraint(["pool", "withholding_id"], ["withholding.pool", "withholding.withholding_id"]),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("kind in ('interim', 'final', 'refusal')", name="withholding_return_kind"),
    CheckConstraint("state in ('accepted', 'differs', 'rejected', 'taken')", name="withholding_return_state"),
    CheckConstraint("lines_taken >= 0", name="withholding_return_taken"),
    CheckConstraint("judged_by <> received_by", name="withholding_return_four_eyes"),
    CheckConstraint("state <> 'rejected' or judged_by is not null", name="withholding_return_judged"),
    Index("withholding_return_waiting", "pool", "received_at", postgresql_where=text("state = 'accepted'")),
)
