"""One bank: how we recognise its messages and sign ours, its return codes, and what we ask of it (paying out)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Self

import httpx

from shared.clock import business_day
from shared.database import assert_no_transaction
from shared.logs import current_request_id
from shared.rates import Rates
from shared.references import load_secret

from ..formats.bank import RETURN_CODES, fen_to_yuan
from ..formats.bank_forms import FORMS, Form
from ..formats.macs import Mac
from ..rules.bank import Code
from ..settings import BankSettings

INSTITUTION_HEADER = "X-Institution"
DIGEST_HEADER = "X-Mac-Digest"
MAC_HEADER = "X-Mac"


class PayoutState(StrEnum):
    """What the bank says about a payout. `unknown` is not failed: ask, or send again under the same number."""

    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Payout:
    """A payout as the bank knows it; `reason` is why it failed or is unknown."""

    state: PayoutState
    reason: str | None


class Bank:
    """A bank with its key, the form of its messages and its return codes."""

    def __init__(
        self,
        institution: str,
        settings: BankSettings,
        mac: Mac,
        file_mac: Mac,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.institution = institution
        self.mac = mac
        self.file_mac = file_mac
        self.digest = settings.digest
        self.form: Form = FORMS[settings.form](settings.encoding, settings.unit)
        self.return_codes: Mapping[Code, str] = {
            **RETURN_CODES,
            **{Code(name): code for name, code in settings.return_codes.items()},
        }
        self.cut_over: time = settings.cut_over
        self.amount_must_equal = settings.amount_must_equal
        self.withholding = settings.withholding
        self.queries = Rates(settings.queries_per_minute, 60)
        self.payments = Rates(settings.payments_per_minute, 60)
        self._companies = settings.companies
        self.pays_out = bool(settings.payouts_url)
        self._payouts_url = settings.payouts_url
        self._client = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(30, connect=5))

    @classmethod
    def join(cls, institution: str, settings: BankSettings, transport: httpx.AsyncBaseTransport | None = None) -> Self:
        """Load the key and join the parts.

        Raises SecretMissing where the key is not there, ValueError where it or a return code is none.
        """
        key, file_key = (
            bytes.fromhex(load_secret(reference).decode())
            for reference in (settings.key, settings.file_key or settings.key)
        )
        mac = Mac(settings.digest, key, settings.mac)
        return cls(institution, settings, mac, Mac("sm3", file_key, "suffix"), transport)

    def pool_of(self, company_id: str) -> str | None:
        """The pool whose money this company code collects."""
        return self._companies.get(company_id)

    async def pay_out(
        self, refund_no: str, original_date: date, original_seq: str, amount_fen: int, *, now: datetime
    ) -> Payout:
        """Order money back to the account that an earlier payment came from; the same number is paid out once.

        Never raises for what the bank or the line does: what is not known is `unknown`, and may be sent again.
        """
        body = {
            "refund_no": refund_no,
            "original_date": f"{original_date:%Y%m%d}",
            "original_seq": original_seq,
            "pay_amount": fen_to_yuan(amount_fen),
        }
        return await self._ask("/bank/payouts", "PAYOUT", refund_no, body, now)

    async def query_payout(self, refund_no: str, *, now: datetime) -> Payout:
        """Ask what became of a payout; `unknown` with the reason `not_known` where the order never arrived."""
        return await self._ask("/bank/payouts/query", "PAYOUT_QUERY", refund_no, {"refund_no": refund_no}, now)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, path: str, trans_code: str, refund_no: str, body: Mapping[str, str], now: datetime) -> Payout:
        assert_no_transaction()
        head = {
            "institution": self.institution,
            "trans_code": trans_code,
            "trans_date": f"{business_day(now):%Y%m%d}",
            "trans_seq": refund_no,
        }
        raw = self.form.write({"head": head, "body": body})
        headers = {
            "Content-Type": self.form.media_type,
            INSTITUTION_HEADER: self.institution,
            DIGEST_HEADER: self.digest,
            MAC_HEADER: self.mac.of(raw),
            "X-Request-ID": current_request_id(),
        }
        try:
            answer = await self._client.post(f"{self._payouts_url}{path}", content=raw, headers=headers)
        except httpx.HTTPError:
            return Payout(PayoutState.UNKNOWN, "no_answer")
        return self._read(answer, head)

    def _read(self, answer: httpx.Response, asked: Mapping[str, str]) -> Payout:
        """What a signed answer to just this message says; any other answer leaves everything open."""
        if not self.mac.matches(answer.content, answer.headers.get(MAC_HEADER, "")):
            return Payout(PayoutState.UNKNOWN, "not_authentic")
        try:
            tree: Mapping[str, Any] = self.form.read(answer.content)
            if any(tree["head"][name] != value for name, value in asked.items()):
                return Payout(PayoutState.UNKNOWN, "other_message")
            return Payout(PayoutState(tree["body"]["state"]), tree["body"].get("reason") or None)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Payout(PayoutState.UNKNOWN, "unreadable")


def banks_of(
    settings: Mapping[str, BankSettings], transport: httpx.AsyncBaseTransport | None = None
) -> dict[str, Bank]:
    """Every bank of the settings, by institution. Raises like `Bank.join`."""
    return {institution: Bank.join(institution, one, transport) for institution, one in settings.items()}
