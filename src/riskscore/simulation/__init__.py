"""The world with known truth: invented companies that pay by a law we wrote, and the oracle that knows it."""
