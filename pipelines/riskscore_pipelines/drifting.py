"""How the drift of a run is told: one sentence for people, every figure for programs."""

import math
from dataclasses import asdict
from typing import Any

from riskscore.phrases import Lang, headings, word
from riskscore.phrases.terms import COMMA
from riskscore.promotion.drift import Drift
from riskscore.promotion.stability import Stability

IN_WORDS = {"score": "drift_score", "unseen": "drift_unseen"}


def told_drift(drift: Drift, lang: Lang) -> str:
    """What shifted against training, or that nothing did; features in words, as reasons are headed."""
    counted = {"n": f"{drift.n_customers:,}", "rows": f"{drift.n_trained:,}"}
    if not drift.shifted:
        return word("drift_none", lang, **counted)
    others = [word(IN_WORDS[name], lang) for name in drift.shifted if name in IN_WORDS]
    names = [*others, *headings((name for name in drift.shifted if name not in IN_WORDS), lang)]
    return word(
        "drift", lang, names=COMMA[lang].join(names), before=f"{drift.pd_trained:.1%}", now=f"{drift.pd_now:.1%}", **counted
    )


def plain_drift(drift: Drift) -> dict[str, Any]:
    """Every figure; null where there is none."""

    def plain(look: Stability) -> dict[str, float | None]:
        return {name: value if math.isfinite(value) else None for name, value in asdict(look).items()}

    return {
        "customers": drift.n_customers,
        "rows_of_training": drift.n_trained,
        "mean_pd_trained": drift.pd_trained if math.isfinite(drift.pd_trained) else None,
        "mean_pd": drift.pd_now if math.isfinite(drift.pd_now) else None,
        "score": plain(drift.score),
        "features": {name: plain(look) for name, look in drift.features.items()},
        "unseen": {"customers": drift.n_unseen, "at_most": drift.most_unseen},
        "shifted": list(drift.shifted),
    }
