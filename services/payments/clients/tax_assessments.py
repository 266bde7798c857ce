"""The tax bureau's side that takes assessments in batches (protocols §3.2). Signed like applications for refunds.

The bureau answers 200 with a code of its own; an unknown outcome (no answer, its code for "unknown", an answer that is
not its own) is asked about under the same batch number before the batch goes again.
"""

import time
from collections.abc import Sequence
from datetime import date
from typing import Self

import httpx

from shared.database import assert_no_transaction
from shared.logs import current_request_id
from shared.metrics import CHANNEL_CALLS
from shared.references import load_secret

from ..formats.tax_assessments import AssessmentLine, AssessmentWire, BatchResult
from ..formats.tax_signing import RequestSigner
from ..settings import TaxAssessmentSettings, TaxOfficeSettings
from .outcomes import Done, Outcome, Refused, Unknown

BATCH_UNKNOWN = "BATCHUNKNOWN"


class TaxAssessments:
    """Tells the bureau what is to be collected, and asks what it made of it."""

    def __init__(
        self,
        settings: TaxAssessmentSettings,
        office: TaxOfficeSettings,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Reads the key. Raises SecretMissing, ValueError where it is no Ed25519 key."""
        self._settings = settings
        self._signer = RequestSigner(office.key_id, load_secret(office.signing_key))
        constants = {
            name: getattr(settings, name) for name in ("agency", "insurance", "item", "sub_item", "detail_item")
        }
        self._wire = AssessmentWire(constants, settings.fields, settings.kept_results, settings.waiting_results)
        self._client = httpx.AsyncClient(
            base_url=office.base_url, transport=transport, timeout=httpx.Timeout(30, connect=5)
        )

    @classmethod
    def of(
        cls,
        settings: TaxAssessmentSettings | None,
        office: TaxOfficeSettings | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> Self | None:
        """The bureau's side, where the settings know it."""
        return cls(settings, office, transport) if settings and office else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def push(self, batch_no: str, day: date, lines: Sequence[AssessmentLine]) -> Outcome[BatchResult]:
        """Hand a batch over. Done: the bureau has it; what it says of lines at once stands in the result."""
        return await self._call("push", self._settings.push_path, self._wire.write(batch_no, day, lines))

    async def results(self, batch_no: str) -> Outcome[BatchResult]:
        """What the bureau says of a batch's lines by now; Refused BATCH_UNKNOWN where it knows of no such batch."""
        return await self._call("results", self._settings.results_path, self._wire.ask(batch_no))

    async def _call(self, name: str, path: str, content: bytes) -> Outcome[BatchResult]:
        assert_no_transaction()
        headers = {"X-Request-ID": current_request_id()}
        request = self._client.build_request("POST", path, content=content, headers=headers)
        request.headers.update(self._signer.sign("POST", str(request.url), content, int(time.time())))
        outcome: Outcome[BatchResult]
        try:
            outcome = self._read(await self._client.send(request))
        except httpx.HTTPError as error:
            outcome = Unknown(type(error).__name__)
        CHANNEL_CALLS.labels("etax", f"assessments_{name}", type(outcome).__name__.lower()).inc()
        return outcome

    def _read(self, answer: httpx.Response) -> Outcome[BatchResult]:
        if not answer.is_success:
            return Unknown(f"HTTP {answer.status_code}")
        try:
            result = self._wire.read(answer.content)
        except ValueError:
            return Unknown("unreadable")
        if result.code in self._settings.success_codes:
            return Done(result)
        if result.code in self._settings.absent_codes:
            return Refused(BATCH_UNKNOWN, result.message)
        if not result.code or result.code in self._settings.unknown_codes:
            return Unknown(f"code {result.code} {result.message}")
        bad = "" if result.bad_line is None else f"{result.bad_line} "
        return Refused(result.code, f"{bad}{result.message}")
