"""Messages that a channel has signed: what is wrong with one that is not to be believed, or not to be understood."""


class NotGenuine(Exception):
    """A message that its channel has not signed. `why` is a short word for it: missing, stale, signature, …"""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why, self.detail = why, detail


class Unreadable(ValueError):
    """A genuine message that does not say what such a message says."""
