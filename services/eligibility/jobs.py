"""What eligibility does without a request."""

from collections.abc import Sequence
from functools import partial

from shared.jobs import Job

from . import usecases


def jobs(service: usecases.Eligibility) -> Sequence[Job]:
    """The loops eligibility runs; it follows nobody, so it looks for waiting feeds as often as others for news."""
    every = service.settings.follow_seconds
    return [
        Job("take_feeds", every, partial(usecases.take_feeds, service)),
        Job("settle_merges", every, partial(usecases.settle_merges, service)),
        Job("forget_supplier_nonces", 60, partial(usecases.forget_supplier_nonces, service)),
        Job("hash_names", every, partial(usecases.hash_names, service)),
    ]
