"""The tax bureau."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TaxOfficeSettings(BaseModel):
    """The tax bureau's side that takes applications to pay money back. The key is a reference (`file:…`, `env:…`)."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    key_id: str
    signing_key: str
    """Where our Ed25519 private key lies, as PEM."""


class TaxSm2Key(BaseModel):
    """A public key of the tax bureau that signs with SM2 and SM3, and how its side writes signatures."""

    model_config = ConfigDict(extra="forbid")

    public_key: Annotated[str, Field(pattern=r"^(04)?[0-9A-Fa-f]{128}$|^0[23][0-9A-Fa-f]{64}$")]
    """In hex, with or without 04 in front, or compressed."""
    form: Literal["der", "raw"] = "der"
    text: Literal["base64", "hex"] = "base64"
    user_id: str = "1234567812345678"
    with_z: bool = True
    """Whether user id and key are hashed in front of the message."""


class AssessmentPeriod(BaseModel):
    """所属期: the days that a scheme's premium is for."""

    model_config = ConfigDict(extra="forbid")

    first: date
    last: date


class TaxAssessmentSettings(BaseModel):
    """Assessments that the tax bureau is told of, at the address of `tax_office` and with its key. Codes are the
    partner's and differ by province."""

    model_config = ConfigDict(extra="forbid")

    agency: str
    """sbjbjgDm: the agency's code there."""
    insurance: str = "390"
    item: str = "10212"
    sub_item: str = "102120001"
    detail_item: str = ""
    push_path: str = "/v1/batch/taxInfo/saveOrUpdate"
    results_path: str = "/v1/batch/taxInfoResults/query"
    fields: dict[str, str] = {}
    """Names that differ from `formats.tax_assessments.FIELDS`."""
    success_codes: frozenset[str] = frozenset({"0"})
    """Values of returnCode that mean: taken."""
    unknown_codes: frozenset[str] = frozenset({"999"})
    absent_codes: frozenset[str] = frozenset({"404"})
    """Values that mean: nobody can tell; and: there is no such batch. All others refuse the whole batch."""
    kept_results: frozenset[str] = frozenset({"1"})
    waiting_results: frozenset[str] = frozenset({"0", ""})
    """Values of a line's result: kept, and not looked at yet; all others refuse it."""
    periods: dict[str, AssessmentPeriod] = {}
    """By scheme."""
    most_lines: Annotated[int, Field(ge=1, le=1000)] = 1000
    ask_seconds: Annotated[float, Field(gt=0)] = 60
    """Wall seconds after which the bureau is asked about a batch; doubles each time, up to an hour."""


class TaxTerminalSettings(BaseModel):
    """Older terminals that speak JSON with `head` and `body`; their messages are signed like all others."""

    model_config = ConfigDict(extra="forbid")

    query_code: str = "000300860006"
    confirm_code: str = "000300860007"
    """serviceCode of a query, and of a confirmation."""
    success_code: str = "000000"
    items: dict[str, frozenset[str]] = {"10212": frozenset()}
    """The codes of what is collected (zsxmDm) that our bills may be paid under, each with its schemes; none named: all.
    Money under any other code waits in suspense. 10212 is the premium of residents."""
    fields: dict[str, str] = {}
    """Names that differ from `formats.tax_envelope.FIELDS`."""
