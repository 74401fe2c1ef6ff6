"""Which version of its provider's interface an own expert is asked in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    with op.batch_alter_table("own_expert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("api_version", sa.Text(), nullable=True))


def downgrade() -> None:
    """Back to the version before."""
    with op.batch_alter_table("own_expert", schema=None) as batch_op:
        batch_op.drop_column("api_version")
