"""From a snapshot to decisions: what the model says, why, and what the policy makes of it."""

from riskscore.scoring.answers import catalogue_digest
from riskscore.scoring.applicants import Application, decide_applicant
from riskscore.scoring.concluding import missing_share
from riskscore.scoring.customer import not_scored
from riskscore.scoring.path import Watch, decide, decide_rows, isolating, too_many_not_scored, unwatched
from riskscore.scoring.receivables import Receivables, receivables_of
from riskscore.scoring.replaying import replay

__all__ = [
    "Application",
    "Receivables",
    "Watch",
    "catalogue_digest",
    "decide",
    "decide_applicant",
    "decide_rows",
    "isolating",
    "missing_share",
    "not_scored",
    "receivables_of",
    "replay",
    "too_many_not_scored",
    "unwatched",
]
