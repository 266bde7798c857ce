"""Write the inputs of a season.

`python -m deploy.local.town [--seed 1] [--residents 2000] [--scheme yangcheng-2022] [--out out/season]`
"""

import argparse
import sys
from pathlib import Path

from . import PLANS, SCHEME, write_town


def main() -> int:
    """Write the town and say what it holds; 2 if the number of residents is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--residents", type=int, default=2000)
    parser.add_argument("--scheme", choices=PLANS, default=SCHEME)
    parser.add_argument("--out", type=Path, default=Path("out/season"))
    options = parser.parse_args()
    try:
        town = write_town(options.seed, options.residents, options.out, scheme=options.scheme)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    people = f"{len(town.living())} 居民 residents · {len(town.households)} 户 households"
    print(f"{people} · {len(town.villages)} 村 villages · {len(town.schools)} 校 schools → {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
