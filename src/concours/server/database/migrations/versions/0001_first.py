"""The first form of the tables."""

import sqlalchemy as sa
from alembic import op

from concours.server.audit import FIRST

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alliances",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("board", "part", name=op.f("pk_alliances")),
    )
    op.create_table(
        "applied",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("board", name=op.f("pk_applied")),
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("until", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
    )
    op.create_table(
        "audit",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "changes",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "choices",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_choices")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "journal",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=71), nullable=True),
        sa.PrimaryKeyConstraint("board", "number", name=op.f("pk_journal")),
    )
    op.create_table(
        "pairings",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("voters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("board", name=op.f("pk_pairings")),
    )
    op.create_table(
        "places",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("entry", NUMBER, autoincrement=False, nullable=False),
        sa.Column("team", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("board", "part", "entry", name=op.f("pk_places")),
    )
    op.create_table(
        "scores",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("problem", sa.String(length=71), nullable=False),
        sa.Column("entry", NUMBER, autoincrement=False, nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("intervals", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("board", "problem", "entry", name=op.f("pk_scores")),
    )
    op.create_table(
        "signals",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_signals")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "suspicions",
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("entry", NUMBER, autoincrement=False, nullable=False),
        sa.Column("other", NUMBER, autoincrement=False, nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("board", "kind", "entry", "other", name=op.f("pk_suspicions")),
    )
    op.create_table(
        "users",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("display", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password", sa.String(length=200), nullable=True),
        sa.Column("subject", sa.String(length=300), nullable=True),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("disabled", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sa.UniqueConstraint("subject", name=op.f("uq_users_subject")),
    )
    op.create_table(
        "work",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("job", sa.String(length=71), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked", sa.String(length=32), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("leased_until", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("program", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("owner", "job", name=op.f("uq_work_owner")),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_program"), ["program"], unique=False)
        batch_op.create_index("ix_work_state", ["state", "asked"], unique=False)

    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("sandbox", sa.Text(), nullable=False),
        sa.Column("seen", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "competitions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("subtitle", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("visibility", sa.String(length=12), nullable=False),
        sa.Column("owner", NUMBER, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=True),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.Column("alliance", sa.Boolean(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("published", sa.String(length=32), nullable=True),
        sa.Column("closed", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_competitions_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competitions")),
        sa.UniqueConstraint("slug", name=op.f("uq_competitions_slug")),
    )
    op.create_table(
        "known",
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("address", sa.String(length=71), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_known_user")),
        sa.PrimaryKeyConstraint("user", "address", name=op.f("pk_known")),
    )
    op.create_table(
        "links",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("user", NUMBER, nullable=True),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("ends", sa.String(length=32), nullable=False),
        sa.Column("used", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_links_user")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_links")),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("form", sa.String(length=64), nullable=False),
        sa.Column("began", sa.String(length=32), nullable=False),
        sa.Column("ends", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_sessions_user")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user"), ["user"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("ends", sa.String(length=32), nullable=True),
        sa.Column("used", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_tokens_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tokens_user"), ["user"], unique=False)

    op.create_table(
        "work_log",
        sa.Column("work", NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["work"], ["work.id"], name=op.f("fk_work_log_work"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("work", "number", name=op.f("pk_work_log")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("by", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_corrections_by")),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_corrections_competition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corrections_competition"), ["competition"], unique=False)

    op.create_table(
        "files",
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_files_competition")),
        sa.PrimaryKeyConstraint("competition", "path", name=op.f("pk_files")),
    )
    op.create_table(
        "hosts",
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_hosts_competition")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_hosts_user")),
        sa.PrimaryKeyConstraint("competition", "user", name=op.f("pk_hosts")),
    )
    op.create_table(
        "pages",
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_pages_competition")),
        sa.PrimaryKeyConstraint("competition", "key", name=op.f("pk_pages")),
    )
    op.create_table(
        "phases",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("begins", sa.String(length=32), nullable=False),
        sa.Column("ends", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("problem", sa.String(length=71), nullable=True),
        sa.Column("began", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_phases_competition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phases")),
        sa.UniqueConstraint("competition", "key", name=op.f("uq_phases_competition")),
    )
    with op.batch_alter_table("phases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_phases_competition"), ["competition"], unique=False)

    op.create_table(
        "posts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("parent", NUMBER, nullable=True),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("edited", sa.String(length=32), nullable=True),
        sa.Column("deleted", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_posts_competition")),
        sa.ForeignKeyConstraint(["parent"], ["posts.id"], name=op.f("fk_posts_parent")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_posts_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
    )
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_posts_competition"), ["competition"], unique=False)
        batch_op.create_index(batch_op.f("ix_posts_parent"), ["parent"], unique=False)

    op.create_table(
        "removals",
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("by", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_removals_by")),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_removals_competition")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_removals_user")),
        sa.PrimaryKeyConstraint("competition", "user", name=op.f("pk_removals")),
    )
    op.create_table(
        "teams",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("leader", NUMBER, nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("alliance", sa.Boolean(), nullable=False),
        sa.Column("into", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_teams_competition")),
        sa.ForeignKeyConstraint(["into"], ["teams.id"], name=op.f("fk_teams_into")),
        sa.ForeignKeyConstraint(["leader"], ["users.id"], name=op.f("fk_teams_leader")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("competition", "name", name=op.f("uq_teams_competition")),
    )
    op.create_table(
        "battles",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("phase", NUMBER, nullable=False),
        sa.Column("voter", NUMBER, nullable=False),
        sa.Column("prompt", sa.Integer(), nullable=False),
        sa.Column("left", NUMBER, nullable=False),
        sa.Column("right", NUMBER, nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("shown", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=True),
        sa.Column("batch", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["phase"], ["phases.id"], name=op.f("fk_battles_phase")),
        sa.ForeignKeyConstraint(["voter"], ["users.id"], name=op.f("fk_battles_voter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_battles")),
    )
    with op.batch_alter_table("battles", schema=None) as batch_op:
        batch_op.create_index("ix_battles_batch", ["phase", "batch"], unique=False)
        batch_op.create_index("ix_battles_voter", ["voter", "phase"], unique=False)

    op.create_table(
        "editions",
        sa.Column("phase", NUMBER, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["phase"], ["phases.id"], name=op.f("fk_editions_phase")),
        sa.PrimaryKeyConstraint("phase", name=op.f("pk_editions")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("team", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=True),
        sa.Column("other", NUMBER, nullable=True),
        sa.Column("by", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_invitations_by")),
        sa.ForeignKeyConstraint(["other"], ["teams.id"], name=op.f("fk_invitations_other")),
        sa.ForeignKeyConstraint(["team"], ["teams.id"], name=op.f("fk_invitations_team")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_invitations_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_other"), ["other"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_team"), ["team"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_user"), ["user"], unique=False)

    op.create_table(
        "members",
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("team", NUMBER, nullable=False),
        sa.Column("accepted", sa.String(length=32), nullable=False),
        sa.Column("rules", sa.String(length=71), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_members_competition")),
        sa.ForeignKeyConstraint(["team"], ["teams.id"], name=op.f("fk_members_team")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_members_user")),
        sa.PrimaryKeyConstraint("competition", "user", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_members_team"), ["team"], unique=False)

    op.create_table(
        "openings",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("correction", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_openings_competition")),
        sa.ForeignKeyConstraint(["correction"], ["corrections.id"], name=op.f("fk_openings_correction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_openings")),
    )
    with op.batch_alter_table("openings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_openings_competition"), ["competition"], unique=False)
        batch_op.create_index(batch_op.f("ix_openings_state"), ["state"], unique=False)

    op.create_table(
        "rescores",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("board", sa.String(length=60), nullable=False),
        sa.Column("problem", sa.String(length=71), nullable=False),
        sa.Column("by", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("correction", NUMBER, nullable=False),
        sa.Column("difference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_rescores_by")),
        sa.ForeignKeyConstraint(["correction"], ["corrections.id"], name=op.f("fk_rescores_correction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescores")),
    )
    with op.batch_alter_table("rescores", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rescores_board"), ["board"], unique=False)

    op.create_table(
        "submissions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("competition", NUMBER, nullable=False),
        sa.Column("phase", NUMBER, nullable=False),
        sa.Column("team", NUMBER, nullable=True),
        sa.Column("user", NUMBER, nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("brings", sa.String(length=12), nullable=False),
        sa.Column("called", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("charged", sa.Boolean(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("of", NUMBER, nullable=True),
        sa.Column("once", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["competition"], ["competitions.id"], name=op.f("fk_submissions_competition")),
        sa.ForeignKeyConstraint(["phase"], ["phases.id"], name=op.f("fk_submissions_phase")),
        sa.ForeignKeyConstraint(["team"], ["teams.id"], name=op.f("fk_submissions_team")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_submissions_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("once", name=op.f("uq_submissions_once")),
    )
    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.create_index("ix_submissions_competition", ["competition", "size"], unique=False)
        batch_op.create_index(batch_op.f("ix_submissions_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_submissions_of"), ["of"], unique=False)
        batch_op.create_index("ix_submissions_phase", ["phase", "state"], unique=False)
        batch_op.create_index("ix_submissions_team", ["team", "phase", "at"], unique=False)
        batch_op.create_index("ix_submissions_user", ["user", "size"], unique=False)

    op.create_table(
        "tallies",
        sa.Column("phase", NUMBER, nullable=False),
        sa.Column("team", NUMBER, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("last", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["phase"], ["phases.id"], name=op.f("fk_tallies_phase")),
        sa.ForeignKeyConstraint(["team"], ["teams.id"], name=op.f("fk_tallies_team")),
        sa.PrimaryKeyConstraint("phase", "team", name=op.f("pk_tallies")),
    )
    head = sa.table("audit_head", sa.column("id"), sa.column("number"), sa.column("digest"))
    op.bulk_insert(head, [{"id": 1, "number": 0, "digest": FIRST}])
