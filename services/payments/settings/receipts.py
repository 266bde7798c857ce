"""Receipts: what the finance department prescribes for the forms of a pool, and what the tax bureau prints."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ReceiptForm(BaseModel):
    """The receipts of a pool. Seals are references (`file:…`) to PNG images; without one its place names the unit."""

    model_config = ConfigDict(extra="forbid")

    region: Annotated[str, Field(pattern=r"^([0-9]{2})?$")] = ""
    """票据代码 1–2: the supervising region; empty: the first two digits of the pool."""
    kind: Annotated[str, Field(pattern=r"^[0-9]{4}$")] = "0000"
    """票据代码 3–6: class and kind; zeros until the finance department has given them."""
    segment_size: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """How many numbers of electronic receipts a book is given at once."""
    name: str = "社会保险费专用票据（电子）"
    """票据名称."""
    paper_name: str = "社会保险费专用票据"
    """票据名称 of printed forms."""
    item: str = "城乡居民基本医疗保险费"
    """项目名称."""
    issuing_unit: str = "医疗保障经办机构"
    """开票单位."""
    unit_seal: str = ""
    supervision_seal: str = ""


class ReceiptSettings(BaseModel):
    """Receipts of all pools."""

    model_config = ConfigDict(extra="forbid")

    pools: dict[Annotated[str, Field(pattern=r"^[0-9]{6}$")], ReceiptForm] = Field(default_factory=dict)
    """The form of each pool; the default one elsewhere."""
    prove_after_hours: Annotated[int, Field(ge=0, le=23)] = 1
    """Hours after midnight from which on, by the business clock, the numbers of the day before are proven."""
    certificate_pattern: str = r"^[0-9A-Za-z\u4e00-\u9fff()（）〔〕\[\]-]{6,40}$"
    """完税证字号 as the tax bureau prints it."""
    ticket_pattern: str = r"^[0-9A-Za-z]{6,40}$"
    """电子税票号码 as the tax bureau prints it."""
    checks_per_minute: Annotated[int, Field(ge=1)] = 20
    """How often one address may ask the public check. In an hour it may be wrong as often about one receipt, and as
    many addresses may. Each worker process counts for itself."""

    def form(self, pool: str) -> ReceiptForm:
        """The form of a pool's receipts, its region filled in."""
        form = self.pools.get(pool) or ReceiptForm()
        return form if form.region else form.model_copy(update={"region": pool[:2]})
