"""Own experts, outcomes collected for them, own routers and policy files; and which column an answer stands in."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _create_own_expert() -> None:
    op.create_table(
        "own_expert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("skill", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_expert")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_own_expert_owner_name")),
    )


def _create_probe_outcome() -> None:
    op.create_table(
        "probe_outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("expert", sa.Text(), nullable=False),
        sa.Column("prompt_id", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("input_tokens", sa.Integer(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("latency_s", sa.Double(), nullable=True),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("reading_ease", sa.Double(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe_outcome")),
        sa.UniqueConstraint("owner", "job", "expert", "prompt_id",
                            name=op.f("uq_probe_outcome_owner_job_expert_prompt_id")),
    )  # fmt: skip


def _create_own_router() -> None:
    op.create_table(
        "own_router",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("graph_sha256", sa.Text(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_router")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_own_router_owner_name")),
    )


def _create_policy() -> None:
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("owner", "name", "version", name=op.f("uq_policy_owner_name_version")),
    )


def upgrade() -> None:
    """To this version."""
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked", sa.Text(), nullable=True))
    _create_own_expert()
    _create_probe_outcome()
    _create_own_router()
    _create_policy()


def downgrade() -> None:
    """Back to the version before."""
    for name in ("policy", "own_router", "probe_outcome", "own_expert"):
        op.drop_table(name)
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_column("asked")
