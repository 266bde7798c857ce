"""One finding."""

from dataclasses import dataclass

from ..marks import Steps


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit together: where, a stable code, and what, with an example, in Chinese and English."""

    steps: Steps
    code: str
    zh: str
    en: str
