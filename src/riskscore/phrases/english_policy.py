"""The English phrases of the policy: rules, what they say, terms, signs; re-exported by `riskscore.phrases.english`."""

from collections.abc import Mapping

from riskscore import policy
from riskscore.policy.values import CURRENCY

RULES: Mapping[str, str] = {
    "default": "default",
    "need": "need",
    "profit": "most profitable limit",
    "grade": "grade",
    "accounts": "accounts",
    "rating": "external rating",
    "on_time": "payment on time",
    "abnormal": "abnormal operation",
    "capacity": "tangible net worth",
    "loss": "loss budget",
    "new_customer": "new customer",
    "concentration": "concentration",
    "sales": "share of own sales",
    "insurance": "insurance",
    "manual": "set by hand",
    "ceiling": "hard ceiling",
}

CAPS: Mapping[str, str] = {
    "default": "In default: no further credit, whatever stands behind it",
    "need": "Buys {monthly} a month on {days} of credit, usual lateness included, peaks of {factor} times the mean",
    "profit": "Beyond this the expected loss at a probability of {pd} costs more than a margin of {margin} earns",
    "grade": "Grade {grade} gets {share} of its need",
    "accounts": "Accounts with an Altman's Z'' of {measure} get {share} of the need",
    "rating": "An external rating at notch {measure} gets {share} of the need",
    "on_time": "With {measure} of the invoices paid no more than a week late it gets {share} of the need",
    "abnormal": "Signs of abnormal operation: {n}; it gets {share} of the need",
    "capacity": "At most {share} of a tangible net worth of {net_worth}",
    "loss": "A loss budget of {budget} at a probability of {pd} and a loss of {lgd} of the exposure",
    "new_customer": "A customer known for {tenure} with {paid} paid invoices gets {share} of a monthly volume of {base}",
    "concentration": "At most {share} of receivables for one corporate family: others owe {others}, the rest of its "
    "family {family}",
    "sales": "At most what the house lets one corporate family owe, whatever all others owe; the rest of it owes {family}",
    "insurance": "Insured for {insured}, and {appetite} of uninsured exposure is accepted",
    "manual": "Set by a person for this customer",
    "ceiling": "The hard ceiling of the house",
}

FULLER_CAPS: Mapping[tuple[str, str], str] = {
    ("loss", "paid_share"): "A loss budget of {budget} at a probability of {pd} and a loss of {lgd} of the exposure, of which "
    "insurance pays {paid_share}",
    ("sales", "share"): "At most {share} of the seller's annual sales of {sales} for one corporate family; the rest of it owes "
    "{family}",
}
"""What is said instead where the rule also looked at that fact."""

PARAMETERS: Mapping[str, str] = {key: parameter.meaning for key, parameter in policy.PARAMETERS.items()}
"""What each number of the policy means: as it is declared."""

UNITS: Mapping[str, str] = {unit: unit for each in policy.PARAMETERS.values() for unit in each.units if unit != CURRENCY}

TERMS: Mapping[str, str] = {
    "days": "net {days}",
    "cash_on_delivery": "cash on delivery",
    "prepayment": "prepayment",
    "stop": "no further delivery",
}

TERM_RULES: Mapping[str, str] = {
    "default": "in default",
    "ladder": "the grade's step of the ladder",
    "new_customer": "new customer without a grade",
    "statute": "the law",
    "cover": "this customer's insurer",
    "insurer": "the house's insurers",
    "no_limit": "no limit, no credit",
}

OPTIONS: Mapping[str, str] = {
    "prepayment": "prepayment",
    "cash_on_delivery": "cash on delivery",
    "net": "net {days}",
    "early_2_10_net_30": "net 30 days with 2% off within 10 days",
    "instalments_30_60_90": "thirds after 30, 60 and 90 days",
    "insured": "{option}, insured",
    "guaranteed": "{option}, against the security at hand",
}

SIGNS: Mapping[str, str] = {
    "order_jump": "orders jumped",
    "limit_nearly_used": "the limit is nearly used",
    "severely_overdue": "much of the balance is long overdue",
    "lateness_jump": "money comes much later than it used to",
    "dispute_spike": "many invoices are contested",
    "discounts_stopped": "discounts are no longer taken",
    "statement_late": "new accounts are late",
    "insolvency_news": "an agency tells of insolvency",
}

RISKS: Mapping[str, str] = {"low": "low risk", "medium": "medium risk", "high": "high risk"}

MENU: Mapping[str, str] = {
    "best": "{option}: earns {value} a year",
    "runner_up": "Next best: {option}, {less} less",
    "flips_above": "From a probability of {pd} on the choice would be {option}",
    "flips_below": "Below a probability of {pd} the choice would be {option}",
    "longest": "No longer than {terms}: {rule}",
    "longest_source": "No longer than {terms}: {rule} ({source})",
    "scheduled": "{on} ({risk})",
    "first_review": "{on}: the first review of a new customer",
    "event": "{on}, at once: {signs}",
    "grace": "Orders placed before the cut are honoured against the limit of now until {on}",
}

ORDER_OUTCOMES: Mapping[str, str] = {
    "allow": "allowed",
    "warn": "allowed, with a warning",
    "block": "blocked",
    "prepay": "only against prepayment",
}

ORDER_REASONS: Mapping[str, str] = {
    "shipped": "The goods have left: they are billed whatever the limit",
    "stopped": "No further delivery to this customer",
    "prepaid": "Paid before or on delivery: nothing will be owed for it",
    "de_minimis": "A small order: what would be owed beyond the limit stays within what the policy lets pass",
    "unknown_customer": "The book has no such customer",
    "stale_book": "The book is too old to say what is owed now; a person decides",
    "exposure_unknown": "What this customer owes could not be computed; a person decides",
    "no_decision": "No decision is in force: have the customer decided first",
    "limit_lapsed": "The review of the limit is too long overdue: have the customer decided again",
    "person_decides": "A person has to decide about this customer first",
    "prepayment_terms": "The terms are prepayment",
    "no_limit": "There is no limit: only against prepayment",
    "over_limit": "With this order {after} would be owed; the limit is {limit}, and {room} of it is free",
    "nearly_used": "With this order {after} would be owed; the limit of {limit} is nearly used",
    "within_limit": "With this order {after} would be owed; the limit is {limit}",
}

PLANS: Mapping[str, str] = {
    "title": "What would raise the grade, the limit or the terms of {customer}",
    "grade": "Grade up one",
    "limit": "Limit of {limit}",
    "limit_up": "A higher limit",
    "terms": "Longer terms",
    "now": "Now: grade {grade}, limit {limit}, {terms}",
    "settle_one": "settle invoice {invoices} ({amount})",
    "settle": "settle invoices {invoices} ({amount})",
    "guarantee": "give a guarantee of {amount}",
    "deposit": "pay in a deposit of {amount}",
    "as_before": "publish the accounts of the year to {on}, no weaker than the last known ones",
    "thin": "publish the accounts of the year to {on} with at least: {figures}",
    "sound": "publish the accounts of the year to {on} with at least: {figures}",
    "assumed": "The figures are an assumption: with weaker accounts the plan does not hold.",
    "then": "{events} → {effects}",
    "to_grade": "grade {before} → {after}",
    "to_limit": "limit {change} ({after})",
    "to_terms": "{before} → {after}",
    "no_change": "nothing changes",
    "cost": "Cash {cash}, guaranteed {guaranteed}",
    "not_minimal": "Perhaps more than is needed: the trials allowed ran out.",
    "not_scored": "There is no answer to start from",
    "in_doubt": "The model or the book is in doubt; a person decides",
    "person_decides": "About a natural person a person decides, not a machine",
    "no_probability": "No probability is known, so there is no grade to raise",
    "nothing_better": "There is nothing better to reach",
    "nothing_better_held": "There is nothing better to reach; what holds it: {held}",
    "reached_already": "This much is recommended already",
    "out_of_reach": "Nothing the customer could do today reaches it",
    "out_of_reach_held": "Nothing the customer could do today reaches it; what holds it: {held}",
    "spent": "None was found within the trials allowed",
    "spent_held": "None was found within the trials allowed; what holds the closest: {held}",
    "spent_besides": "Not everything could be tried within the trials allowed: there may be cheaper plans.",
    "disputed": "Contested invoices are settled in no plan: {n}",
    "left_out": "Less overdue invoices that were not looked at: {n}",
    "equity": "equity {amount}",
    "total_assets": "total assets {amount}",
    "total_liabilities": "liabilities {amount}",
    "current_assets": "current assets {amount}",
    "current_liabilities": "current liabilities {amount}",
    "retained_earnings": "retained earnings {amount}",
    "ebit": "operating profit {amount}",
    "net_income": "net income {amount}",
    "revenue": "revenue {amount}",
    "intangibles": "intangible assets {amount}",
}

POLICY_WORDS: Mapping[str, str] = {
    "policy_title": "The policy in force on {on}",
    "policy_key": "Number",
    "policy_value": "Value",
    "policy_unit": "Unit",
    "policy_since": "Since",
    "policy_until": "Until",
    "policy_source": "Signed by",
    "policy_reason": "Reason",
    "policy_meaning": "Meaning",
    "policy_off": "off: no value in force",
    "policy_sound": "{file}: sound. {n} dated entries, {in_force} numbers in force on {on}, digest {digest}",
    "policy_lapses": "From {on} on {number} has no value, and nothing can be decided: sign the next one before that day",
    "policy_diff": "From {before} to {after}",
    "policy_digest": "{file}, digest {digest}",
    "policy_digests": "Digest {before} becomes {after}",
    "policy_same": "no number differs",
    "policy_measured": "{n} numbers differ from the policy, by the book as known on {on} with {late} late customers "
    "followed. Read them, correct them, and sign them below its own lines",
    "policy_few_late": "Fewer than {least} late customers were followed ({late}): what is lost of their debt is more the "
    "policy's assumption than this book's answer, and what a grade may carry is reckoned from that and your margin. Before it "
    "loosens anything, see that both are yours",
    "policy_written": "{file}: the policy with these numbers below. What differs: riskscore policy diff {file}. It decides once "
    "it is signed and lies at {place}",
    "policy_unmeasured": "{n} of {of} customers with a grade ({share}) get no credit because of their grade alone, by losses, "
    "lateness and shares that the policy assumes and nobody measured here. What this book says of them, to read and sign: "
    "riskscore policy measure",
    "policy_unmeasured_all": "Hardly anybody gets credit: {n} of {of} customers not in default ({share}) have a limit of 0 "
    "because of their grade alone, by numbers that the policy assumes and nobody measured here. Measure, read and sign them, "
    "then score again: riskscore policy measure --out proposed.toml",
    "policy_later": "{file}: {n} of its entries begin after {last}, the last day that decides, and do not count in the period. "
    "To read it as it holds then: --on {on}",
    "policy_before": "From",
    "policy_after": "To",
}
