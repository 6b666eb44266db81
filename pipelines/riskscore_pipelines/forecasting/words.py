"""The words of the cash forecast, in both languages."""

from collections.abc import Mapping

from riskscore.hazard.readouts import LATE

LATE_DAYS = f"{', '.join(map(str, LATE[:-1]))} and {LATE[-1]}"
"""The days of lateness whose chances the invoices file holds, as help and guide name them."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Cash forecast",
        "as_of": "As of {on}, from {n} open invoices. Only what was known by then counts.",
        "heading": "{currency}: expected cash by week",
        "open": "Open and undisputed: {amount} {currency}. Expected within {weeks} weeks: {expected}.",
        "week_to": "week to",
        "mean": "expected",
        "p10": "at least (9 in 10)",
        "p50": "middle",
        "p90": "at most (9 in 10)",
        "chart": "Expected cash by week in {currency}, with the range in which four weeks in five should fall.",
        "low": "10 %",
        "middle": "50 %",
        "high": "90 %",
        "range": "The range is of each week alone. It holds open invoices only: what will be billed from now on comes on top.",
        "made_with": "model {model}, book {book}",
        "nothing": "No invoice is open.",
    },
    "zh": {
        "title": "现金回款预测",
        "as_of": "截至 {on}，共 {n} 张未结发票。仅使用当时已知的信息。",
        "heading": "{currency}：按周预计回款",
        "open": "未结且无争议：{amount} {currency}。{weeks} 周内预计回款：{expected}。",
        "week_to": "截至",
        "mean": "预计",
        "p10": "至少（九成把握）",
        "p50": "中位数",
        "p90": "至多（九成把握）",
        "chart": "按周预计回款（{currency}），以及五周中四周应落入的区间。",
        "low": "10 %",
        "middle": "50 %",
        "high": "90 %",
        "range": "区间针对单独每一周。仅含未结发票：今后新开的发票另计。",
        "made_with": "模型 {model}，账簿 {book}",
        "nothing": "没有未结发票。",
    },
}
"""Language to key to sentence with its placeholders."""
