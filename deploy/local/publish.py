"""Publishes every package of the repository in the running suite as two officers would: hand in, publish."""

from collections.abc import Mapping

import httpx

from deploy.local import places
from deploy.local.issuer import Issuer
from shared.ids import new_id

_PACKAGES = places.ROOT / "services" / "registration" / "packages"


def publish_packages(addresses: Mapping[str, str]) -> list[str]:
    """Publish what is not published yet; the schemes, by name. Raises httpx.HTTPStatusError with what was refused."""
    issuer = Issuer()
    with (
        _officer(issuer, addresses, "publisher-a", "registration:write") as first,
        _officer(issuer, addresses, "publisher-b", "registration:approve") as second,
    ):
        return [_publish(first, second, path.read_bytes()) for path in sorted(_PACKAGES.glob("*.yaml"))]


def _officer(issuer: Issuer, addresses: Mapping[str, str], user: str, scope: str) -> httpx.Client:
    token = issuer.mint("publisher", scopes=frozenset({"registration:read", scope}), user=user)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=addresses["registration"], headers=headers, trust_env=False, timeout=30)


def _publish(first: httpx.Client, second: httpx.Client, content: bytes) -> str:
    drafted = first.post(
        "/v1/packages",
        content=content,
        headers={"Content-Type": "application/octet-stream", "Idempotency-Key": str(new_id())},
    )
    package = drafted.raise_for_status().json()
    second.post(f"/v1/packages/{package['scheme']}/{package['version']}/publish").raise_for_status()
    scheme: str = package["scheme"]
    return scheme
