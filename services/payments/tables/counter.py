"""Tables of the counter: shifts, card terminals, card sales."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

shift = Table(
    "shift",
    metadata,
    Column("pool", Text, nullable=False),
    Column("shift_id", Uuid, nullable=False),
    Column("counter_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("clerk", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opening_float_fen", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("expected_cash_fen", BigInteger),
    Column("counted_cash_fen", BigInteger),
    Column("denominations", Json),
    Column("takings_fen", BigInteger),
    Column("deposit_fen", BigInteger),  # cash for the bank, a booked difference included
    Column("deposit_due_on", Date),
    Column("difference_note", Text),
    Column("difference_booked_by", Text),
    Column("difference_booked_at", Instant),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "shift_id"),
    CheckConstraint("status in ('open', 'differs', 'closed')", name="shift_status"),
    CheckConstraint(
        "num_nulls(closed_at, expected_cash_fen, counted_cash_fen, takings_fen, deposit_fen, deposit_due_on) "
        "= case status when 'open' then 6 else 0 end",
        name="shift_closing",
    ),
    CheckConstraint(
        "status = 'open' or (status = 'differs') = (expected_cash_fen <> counted_cash_fen "
        "and difference_booked_at is null)",
        name="shift_difference",
    ),
    CheckConstraint(
        "num_nulls(difference_note, difference_booked_by, difference_booked_at) in (0, 3)", name="shift_booked"
    ),
    CheckConstraint("difference_booked_by <> clerk", name="shift_four_eyes"),
    CheckConstraint("opening_float_fen >= 0 and counted_cash_fen >= 0", name="shift_amounts"),
    Index("shift_one_open", "pool", "counter_code", unique=True, postgresql_where=text("status = 'open'")),
)

pos_terminal = Table(
    "pos_terminal",
    metadata,
    Column("pool", Text, nullable=False),
    Column("terminal_no", Text, nullable=False),
    Column("shop_no", Text, nullable=False),
    Column("counter_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    PrimaryKeyConstraint("pool", "terminal_no"),
    Index("pos_terminal_counter", "pool", "counter_code"),
)

pos_sale = Table(
    "pos_sale",
    metadata,
    Column("pool", Text, nullable=False),
    Column("terminal_no", Text, nullable=False),
    Column("batch_no", Text, nullable=False),
    Column("trace_no", Text, nullable=False),
    Column("reference_no", Text),  # the acquirer's own, where the slip has one
    Column("shift_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("items", Json, nullable=False),
    Column("paid_at", Instant, nullable=False),
    Column("void_trace_no", Text),
    Column("voided_at", Instant),
    Column("voided_by", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "terminal_no", "batch_no", "trace_no"),
    ForeignKeyConstraint(["pool", "shift_id"], ["shift.pool", "shift.shift_id"]),
    CheckConstraint("state in ('charged', 'voided')", name="pos_sale_state"),
    CheckConstraint("amount_fen > 0", name="pos_sale_amount"),
    CheckConstraint(
        "num_nulls(void_trace_no, voided_at, voided_by) = case state when 'voided' then 0 else 3 end",
        name="pos_sale_voided",
    ),
    CheckConstraint("void_trace_no <> trace_no", name="pos_sale_void_trace"),
    Index(
        "pos_sale_void_once",
        "pool",
        "terminal_no",
        "batch_no",
        "void_trace_no",
        unique=True,
        postgresql_where=text("void_trace_no is not null"),
    ),
    Index("pos_sale_shift", "pool", "shift_id"),
)
