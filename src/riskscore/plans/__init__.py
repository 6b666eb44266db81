"""What would raise the grade or the limit: plans made of ledger events, each replayed on the real path before it is shown."""

from riskscore.plans.events import Accounts, Cost, Event, Means, Publish, Secure, Settle, cost_of, facts_of, with_facts
from riskscore.plans.goals import Goal, Kind, Target, goal_of, reaches
from riskscore.plans.seeking import Outlook, Plan, Plans, search

__all__ = [
    "Accounts",
    "Cost",
    "Event",
    "Goal",
    "Kind",
    "Means",
    "Outlook",
    "Plan",
    "Plans",
    "Publish",
    "Secure",
    "Settle",
    "Target",
    "cost_of",
    "facts_of",
    "goal_of",
    "reaches",
    "search",
    "with_facts",
]
