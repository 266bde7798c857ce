"""`make token`: prints a token, and nothing else. Signed with the issuer's key, whether or not the suite runs."""

import argparse
import sys

from deploy.local.issuer import Issuer, NotGranted


def main() -> int:
    """Print the token asked for; exit 2 where there is no such scope or area."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.token", description=__doc__)
    parser.add_argument("--client", default="", help="client_id, the application (default: partner)")
    parser.add_argument("--scopes", default="", help="scopes, by spaces or commas (default: none)")
    parser.add_argument("--area", default="", help="region prefix of 6, 9 or 12 digits (default: all)")
    parser.add_argument("--user", default="", help="sub, the person who acts (default: the client)")
    parser.add_argument("--minutes", type=int, default=12 * 60, help="how long it is valid (default: 720)")
    wish = parser.parse_args()
    try:
        token = Issuer().mint(
            wish.client or "partner",
            scopes=frozenset(wish.scopes.replace(",", " ").split()),
            area=wish.area,
            user=wish.user,
            minutes=wish.minutes,
        )
    except NotGranted as error:
        print(error, file=sys.stderr)
        return 2
    print(token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
