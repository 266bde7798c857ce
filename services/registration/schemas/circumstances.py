"""What a caller may tell about a person beyond what registers know; the preview and the enrolment take the same."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from .fields import RequestBody

Years = Annotated[StrictInt, Field(ge=0, le=100)]


class Circumstances(RequestBody):
    """Facts that some notices go by; what is not told is taken as stated for each."""

    residence_permit: StrictBool | None = Field(
        None, description="Whether a residence permit is held; null: no", examples=[False]
    )
    former_scheme: Literal["urban", "nrcms"] | None = Field(
        None, description="Scheme before a merger; used by schemes that follow one", examples=["nrcms"]
    )
    missed_years: Years | None = Field(
        None, description="Years missed before, used by schemes with a waiting period; null: 0", examples=[0]
    )
    repaired_years: Years | None = Field(
        None, description="Missed years paid for since, used by schemes with a waiting period; null: 0", examples=[0]
    )
    hukou_kind: Literal["urban", "rural"] | None = Field(
        None, description="Kind of hukou; null: as the notice wants it", examples=["rural"]
    )
    child_hukou_here: StrictBool | None = Field(
        None, description="Whether a child has local hukou; null: as the notice wants it", examples=[True]
    )
    pension_elsewhere: StrictBool | None = Field(
        None, description="Whether a pension is drawn elsewhere; null: as the notice wants it", examples=[False]
    )
