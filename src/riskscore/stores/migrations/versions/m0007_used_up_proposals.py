"""Each approval uses up one proposal; a later approval or rollback of the model overtakes it. The database holds both.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

AN_OPEN_PROPOSAL = """
    select 1 from model_approvals as made
    where made.sequence = new.proposal and made.approved_by is null and made.name = new.name and made.version = new.version
      and made.digest = new.digest and made.comparison = new.comparison and made.proposed_by = new.proposed_by
      and lower(made.proposed_by) <> lower(new.approved_by)
      and not exists (
        select 1 from model_approvals as later
        where later.name = new.name and later.approved_by is not null and later.sequence > made.sequence)
      and not exists (
        select 1 from model_rollbacks as back
        where back.name = new.name and coalesce(back.newest_row >= made.sequence, back.recorded_at >= made.recorded_at))
"""
SAYS = "model_approvals_four_eyes: an approval uses up an open proposal of the same bytes by another person"


def upgrade() -> None:
    """Add the columns, null in rows from before. A trigger guards the rows to come: a check would refuse those that are there."""
    op.execute(
        "alter table model_approvals add column proposal integer "
        "constraint fk_model_approvals_proposal references model_approvals (sequence)"
    )
    op.create_index("uq_model_approvals_proposal", "model_approvals", ["proposal"], unique=True)
    op.add_column(
        "model_rollbacks",
        sa.Column("newest_row", sa.Integer, comment="newest row of the model's approvals then; proposals up to it are closed"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "create trigger model_approvals_four_eyes before insert on model_approvals "
            "when new.approved_by is not null and not new.first "
            f"begin select raise(abort, '{SAYS}') where not exists ({AN_OPEN_PROPOSAL}); end"
        )
        return
    op.execute(
        "create function riskscore_four_eyes() returns trigger language plpgsql as $$ begin "
        f"if not exists ({AN_OPEN_PROPOSAL}) then raise check_violation using message = '{SAYS}'; end if; "
        "return new; end $$"
    )
    op.execute(
        "create trigger model_approvals_four_eyes before insert on model_approvals "
        "for each row when (new.approved_by is not null and not new.first) execute function riskscore_four_eyes()"
    )
