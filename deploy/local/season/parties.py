"""Who acts in the season, and with which token: each party has its office's scopes and the area it is in charge of."""

from collections.abc import Mapping

from deploy.local.issuer import Issuer
from shared.regions import pool_prefix

_MINUTES = 24 * 60

_MONEY = frozenset({"payments:read", "payments:write", "payments:check", "payments:approve"})
_OFFICES: dict[str, tuple[str, frozenset[str]]] = {
    "department": ("department-portal", frozenset({"eligibility:read", "eligibility:write"})),
    "officer": (
        "agency-desk",
        frozenset({
            "registration:read", "registration:write", "registration:approve", "eligibility:read", "eligibility:write",
            "eligibility:approve", "payments:read", "refunds:read", "refunds:write",
        }),
    ),
    "clerk": ("village-desk", frozenset({"registration:read", "registration:write"})),
    "cashier": ("tax-hall", frozenset({"payments:read", "payments:write", "refunds:read", "refunds:pay"})),
    "agent": ("agent-app", frozenset({"payments:read", "payments:write"})),
    "head": ("village-desk", frozenset({"payments:read", "payments:check"})),
    "finance": ("finance-desk", _MONEY),
    "refund-payer": ("agency-desk", frozenset({"payments:read", "refunds:read", "refunds:pay"})),
    "payer": ("household-app", frozenset({"payments:read", "payments:write"})),
    "reconciler": ("finance-desk", _MONEY),
    "checker": ("agency-desk", frozenset({"refunds:read", "refunds:check"})),
    "approver": ("agency-desk", frozenset({"refunds:read", "refunds:approve"})),
    "auditor": (
        "audit",
        frozenset(f"{service}:read" for service in ("eligibility", "registration", "payments", "refunds")),
    ),
}  # fmt: skip


class Parties:
    """The tokens of all who act, each minted at its first use. Scopes follow from the office, never from the act."""

    def __init__(self, issuer: Issuer, pool: str, areas: Mapping[str, str]) -> None:
        """`areas`: party → region prefix; whoever is not in it works for the whole pool."""
        self.pool = pool
        self._issuer = issuer
        self._areas = areas
        self._tokens: dict[str, str] = {}

    def token(self, party: str) -> str:
        """The bearer token of a party. Raises KeyError for a party without an office."""
        if party not in self._tokens:
            client, scopes = _OFFICES[_office(party)]
            area = "" if party == "auditor" else self._areas.get(party, pool_prefix(self.pool))
            self._tokens[party] = self._issuer.mint(client, scopes=scopes, area=area, user=party, minutes=_MINUTES)
        return self._tokens[party]


def _office(party: str) -> str:
    """The office behind a name: `civil_affairs-clerk` is a department's, `clerk-140522108200` a village's."""
    if party.endswith("-clerk"):
        return "department"
    if party.startswith("agency-officer"):
        return "officer"
    if party.startswith(("town-finance", "county-finance")):
        return "finance"
    if party == "refund-payer":
        return party
    named = ("clerk-", "cashier-", "agent-", "head-", "payer-", "reconciler-")
    return party.split("-", 1)[0] if party.startswith(named) else party.removeprefix("refund-")
