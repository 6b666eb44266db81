"""The policy time machine: a past period replayed under another policy, with bounds for what the old one hid."""

from riskscore.backtest.machine import Backtest, Interval, Outcome, backtest
from riskscore.backtest.measures import NAMES, Economics, Measures, measure
from riskscore.backtest.orders import NEVER, Customer, Order, Piece, customers_of, date_of, day_of
from riskscore.backtest.replaying import Decide, Granted, Life, Period, Replay, live, replay
from riskscore.backtest.unseen import draw_unseen, rooms_of

__all__ = [
    "NAMES", "NEVER",
    "Backtest", "Customer", "Decide", "Economics", "Granted", "Interval", "Life", "Measures", "Order", "Outcome", "Period",
    "Piece", "Replay", "backtest", "customers_of", "date_of", "day_of", "draw_unseen", "live", "measure", "replay", "rooms_of",
]  # fmt: skip
