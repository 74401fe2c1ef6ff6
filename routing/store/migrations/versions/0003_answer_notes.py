"""What else a person should know of an answer: without which parameter it was asked, that it is a refusal."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Back to the version before."""
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_column("note")
