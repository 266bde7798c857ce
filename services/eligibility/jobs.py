"""What eligibility does without a request."""

from collections.abc import Sequence
from functools import partial

from shared.jobs import Job

from . import usecases


def jobs(service: usecases.Eligibility) -> Sequence[Job]:
    """The loops eligibility runs; it follows nobody, so it looks for waiting feeds as often as others for news."""
    return [Job("take_feeds", service.settings.follow_seconds, partial(usecases.take_feeds, service))]
