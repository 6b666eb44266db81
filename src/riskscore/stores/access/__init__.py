"""Who may ask: accounts, sessions, tokens and the company's own sign-on, over the database. Every change is in the audit log."""

from riskscore.stores.access import accounts, sessions, tokens
from riskscore.stores.access.accounts import OPERATOR, Account, is_sign_on_required
from riskscore.stores.access.tables import ROLES

__all__ = ["OPERATOR", "ROLES", "Account", "accounts", "is_sign_on_required", "sessions", "tokens"]
