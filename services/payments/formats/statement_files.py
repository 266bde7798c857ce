"""A channel's day statement as a file: how it is split into lines, and who reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from shared.codes import Channel

from ..rules.settlements import Source
from ..rules.unionpay import INSTITUTION
from ..settings import CheckFile, MoneyAccount, PosFile, UnionPayFiles
from . import unionpay_files
from .account_statements import open_account
from .statement_layouts import open_reader
from .statements import HEAD_BYTES, LineSplitter, RawLine, StatementReader, StatementUnreadable

_ZIPS = (unionpay_files.ZIP, unionpay_files.EMPTY_ZIP)


@dataclass(frozen=True)
class DayFiles:
    """How the files are made whose form is a setting."""

    unionpay: UnionPayFiles
    pos: PosFile
    accounts: Mapping[str, MoneyAccount]
    banks: Mapping[str, CheckFile]


class Splitter(Protocol):
    """Pieces of a file → its lines."""

    def feed(self, piece: bytes) -> Iterator[RawLine]:
        """The lines that end in this piece."""
        ...

    def end(self) -> Iterator[RawLine]:
        """What is left when all has been fed. Raises StatementUnreadable."""
        ...


def open_file(
    channel: Source, institution: str, day: date, files: DayFiles, head: bytes
) -> tuple[str, Splitter, StatementReader]:
    """The layout of a file of a day, known by its first bytes, what splits it and who reads it.

    Raises StatementUnreadable.
    """
    if channel is Source.ACCOUNT:
        account = files.accounts.get(institution)
        layout, reader = open_account(institution, head, account.headings if account else {})
        return layout, LineSplitter(), reader
    if channel is Source.BANK and institution == INSTITUTION:
        if not head.startswith(_ZIPS):
            raise StatementUnreadable("银联对账文件应为下载时的压缩包（zip），内含 ZM 与 ZME 文件")
        return unionpay_files.LAYOUT, unionpay_files.ZipSplitter(), unionpay_files.DayFileReader(files.unionpay, day)
    layout, reader = open_reader(Channel(channel), institution, head, files.pos, files.banks.get(institution))
    return layout, LineSplitter(), reader


def first_lines(splitter: Splitter, head: bytes, rest: Iterator[bytes]) -> Iterator[RawLine]:
    """The lines by which a file is recognised: the whole ones of its beginning, or all, where that is a zip."""
    yield from splitter.feed(head)
    if isinstance(splitter, LineSplitter):
        if len(head) < HEAD_BYTES:
            yield from splitter.end()
        return
    for piece in rest:
        yield from splitter.feed(piece)
    yield from splitter.end()


def fits_day(layout: str, days: set[date], day: date) -> bool:
    """Whether a file with lines of these days may be that of a day; UnionPay's begins on the evening before."""
    evening = {day - timedelta(days=1)} if layout == unionpay_files.LAYOUT else set()
    return not days or bool(days & {day, *evening})
