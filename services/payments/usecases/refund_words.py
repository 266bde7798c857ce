"""What a channel's word on a refund is to us, whatever channel it comes from."""

from dataclasses import dataclass
from datetime import datetime

from ..rules import RefundState
from ..schemas.wechat import WechatRefund


@dataclass(frozen=True)
class Word:
    """What a channel says of a refund. `state` None: nothing that changes it; `absent`: the channel knows of none."""

    state: RefundState | None = None
    at: datetime | None = None
    reference: str | None = None
    detail: str | None = None
    absent: bool = False
    refund: WechatRefund | None = None


NOT_SET_UP = Word(detail="channel_not_set_up")
