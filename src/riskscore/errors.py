"""Every error raised on purpose: its code, its sentence, and the exit status of the command that meets it.

A message says what happened, where, why it matters and what to do. The exit statuses are a public contract (README).
"""

from typing import ClassVar


class RiskscoreError(Exception):
    """Something the caller or the data did that the product refuses. The first argument is the sentence people read."""

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1


class UsageRefused(RiskscoreError):
    """The command line, the configuration or a signed text (recipe, policy, mapping) cannot be understood."""

    code = "usage"
    exit_status = 2


class InputRefused(RiskscoreError):
    """A delivered file cannot be read as declared. Nothing was written."""

    code = "input-refused"
    exit_status = 3


class QuarantineAboveLimit(RiskscoreError):
    """More rows or money went to quarantine than the source may lose. Nothing was published."""

    code = "quarantine-above-limit"
    exit_status = 4


class ModelRefused(RiskscoreError):
    """A model is missing, not approved, or its bytes are not the approved ones."""

    code = "model-refused"
    exit_status = 5


class ModelExpired(ModelRefused):
    """The approval of the model in force has run out. Customers are referred until two people approve one again."""

    code = "model-expired"


class StorageFailed(RiskscoreError):
    """A disk, database or registry did not take or give what was asked. The run can be resumed."""

    code = "storage-failed"
    exit_status = 6


class RunLocked(RiskscoreError):
    """Another run holds the lock of this book."""

    code = "run-locked"
    exit_status = 7


class HeldForReview(RiskscoreError):
    """A run or a delivery moved further than one person may publish. Two people release a run; a second one signs a delivery."""

    code = "held-for-review"
    exit_status = 8


class NotAllowed(RiskscoreError):
    """Somebody may not do this: another person, or another role, has to."""

    code = "not-allowed"
    exit_status = 2


class Conflict(RiskscoreError):
    """What is to be changed is no longer in the state that allows it: somebody was faster, or time was."""

    code = "conflict"
    exit_status = 2


class TooFewEvents(RiskscoreError):
    """The history holds too few late payers to learn from, so no model is fitted: the customers are referred."""

    code = "too-few-events"
    exit_status = 5


class NotReproduced(RiskscoreError):
    """What was made again from its record came out differently: something outside the record decides. Nothing was recorded."""

    code = "not-reproduced"
    exit_status = 1


class TooManyNotScored(RiskscoreError):
    """More customers could not be computed than the policy lets pass: a fault of the run. Nothing was published."""

    code = "too-many-not-scored"
    exit_status = 1
