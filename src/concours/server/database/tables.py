"""The tables of the platform, but for those of leased work.

Times are texts in UTC as `core.event.utc_now` writes them, so that their order is that of the letters. JSON is a text.
What a person writes stays as it was written; it is made safe where it is shown.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_TIME = String(32)
_DIGEST = String(71)

# Who

USERS = Table(
    "users",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("display", String(80), nullable=False),
    Column("email", String(254)),
    Column("password", String(200)),
    Column("subject", String(300), unique=True),
    Column("administrator", Boolean, nullable=False, default=False),
    Column("about", Text, nullable=False, default=""),
    Column("created", _TIME, nullable=False),
    Column("disabled", _TIME),
)
"""name: in small letters, as it stands in addresses. password: argon2's own text; none of who comes by OpenID alone.
subject: `ISSUER SUBJECT` of OpenID Connect. email: in small letters; shown to administrators and to its owner alone; it
names nobody, so two may have the same, and nobody learns who has which."""

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", _DIGEST, primary_key=True),
    Column("user", _NUMBER, ForeignKey("users.id"), nullable=False, index=True),
    Column("form", String(64), nullable=False),
    Column("began", _TIME, nullable=False),
    Column("ends", _TIME, nullable=False),
)
"""digest: of the cookie. form: what forms of this session carry (against cross-site requests)."""

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("user", _NUMBER, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("digest", _DIGEST, nullable=False, unique=True),
    Column("scopes", String(200), nullable=False),
    Column("created", _TIME, nullable=False),
    Column("ends", _TIME),
    Column("used", _TIME),
)
"""scopes: names of `accounts.tokens.SCOPES`, divided by blanks."""

LINKS = Table(
    "links",
    METADATA,
    Column("digest", _DIGEST, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("user", _NUMBER, ForeignKey("users.id")),
    Column("created", _TIME, nullable=False),
    Column("ends", _TIME, nullable=False),
    Column("used", _TIME),
)
"""Links that serve once. purpose: a row of `accounts.links.PURPOSES`. user: whose password `recovery` sets."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("key", String(120), primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("until", _TIME),
)
"""Logins that failed in a row, by what they have in common (`accounts.attempts`), and until when no more are taken."""

KNOWN = Table(
    "known",
    METADATA,
    Column("user", _NUMBER, ForeignKey("users.id"), primary_key=True),
    Column("address", _DIGEST, primary_key=True),
    Column("at", _TIME, nullable=False),
)
"""Where somebody has logged in from. address: a keyed digest (`accounts.addresses`)."""

CHOICES = Table(
    "choices",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What administrators chose for the whole platform (`accounts.choices`); what is not there is as it was at first."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", _TIME, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
)
"""digest: of this row and of the digest before it (`server.audit`)."""

AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", _NUMBER, nullable=False),
    Column("digest", _DIGEST, nullable=False),
)
"""One row: the last number and digest of the audit log. Who writes holds it, so that numbers have no gap."""

# What

COMPETITIONS = Table(
    "competitions",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("slug", String(60), nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("subtitle", String(300), nullable=False, default=""),
    Column("state", String(12), nullable=False),
    Column("visibility", String(12), nullable=False),
    Column("owner", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("settings", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened", Text),
    Column("complaint", Text, nullable=False, default=""),
    Column("alliance", Boolean, nullable=False),
    Column("created", _TIME, nullable=False),
    Column("published", _TIME),
    Column("closed", _TIME),
)
"""state: `draft`, `checking`, `published`, `closed` or `archived`. visibility: `all` or `members`.
settings: `hosting.competition.Competition` as JSON; version: how often they were changed.
opened: what `open_competition` found, as JSON; complaint: why it could not, for hosts."""

HOSTS = Table(
    "hosts",
    METADATA,
    Column("competition", _NUMBER, ForeignKey("competitions.id"), primary_key=True),
    Column("user", _NUMBER, ForeignKey("users.id"), primary_key=True),
)

PAGES = Table(
    "pages",
    METADATA,
    Column("competition", _NUMBER, ForeignKey("competitions.id"), primary_key=True),
    Column("key", String(60), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("title", String(120), nullable=False),
    Column("text", Text, nullable=False),
)
"""text: Markdown, as the host wrote it."""

FILES = Table(
    "files",
    METADATA,
    Column("competition", _NUMBER, ForeignKey("competitions.id"), primary_key=True),
    Column("path", String(300), primary_key=True),
    Column("digest", _DIGEST, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("at", _TIME, nullable=False),
)
"""The folder of a competition. public: whether members may fetch it; all else is for hosts and for what scores."""

PHASES = Table(
    "phases",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False, index=True),
    Column("key", String(60), nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", String(120), nullable=False),
    Column("begins", _TIME, nullable=False),
    Column("ends", _TIME),
    Column("state", String(12), nullable=False),
    Column("settings", Text, nullable=False),
    Column("problem", _DIGEST),
    Column("began", Text),
    UniqueConstraint("competition", "key"),
)
"""state: `waiting`, `open`, `closing` (its last signal is sent) or `closed` (the private rows are scored).
settings: `hosting.competition.Phase` as JSON.
problem: the one that counts. began: what its board began with, as JSON (`scoring.boards.Began`), which stays as it
is whatever a host changes later, since the journal rests on it. The board of a phase is called `phase ID`."""

MEMBERS = Table(
    "members",
    METADATA,
    Column("competition", _NUMBER, ForeignKey("competitions.id"), primary_key=True),
    Column("user", _NUMBER, ForeignKey("users.id"), primary_key=True),
    Column("team", _NUMBER, ForeignKey("teams.id"), nullable=False, index=True),
    Column("accepted", _TIME, nullable=False),
    Column("rules", String(71), nullable=False, default=""),
    Column("mail", Boolean, nullable=False, default=False),
)
"""accepted: when the rules were; rules: the digest of their text then. mail: whether hosts may see their address of
mail. Everybody has a team, at first of one."""

TEAMS = Table(
    "teams",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("leader", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("created", _TIME, nullable=False),
    Column("alliance", Boolean, nullable=False, default=True),
    Column("into", _NUMBER, ForeignKey("teams.id")),
    UniqueConstraint("competition", "name"),
)
"""alliance: whether its best entry may be a member. into: the team that it was merged into; it then has no members."""

REMOVALS = Table(
    "removals",
    METADATA,
    Column("competition", _NUMBER, ForeignKey("competitions.id"), primary_key=True),
    Column("user", _NUMBER, ForeignKey("users.id"), primary_key=True),
    Column("by", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("why", Text, nullable=False),
)
"""Who may not take part any more (`services.participants`)."""

INVITATIONS = Table(
    "invitations",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("team", _NUMBER, ForeignKey("teams.id"), nullable=False, index=True),
    Column("user", _NUMBER, ForeignKey("users.id"), index=True),
    Column("other", _NUMBER, ForeignKey("teams.id"), index=True),
    Column("by", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("answer", String(10), nullable=False, default=""),
)
"""To a user to join a team, or to another team to merge into it. answer: `yes`, `no`, `gone`, or none yet."""

SUBMISSIONS = Table(
    "submissions",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False),
    Column("phase", _NUMBER, ForeignKey("phases.id"), nullable=False),
    Column("team", _NUMBER, ForeignKey("teams.id")),
    Column("user", _NUMBER, ForeignKey("users.id")),
    Column("name", String(120), nullable=False),
    Column("brings", String(12), nullable=False),
    Column("called", String(200), nullable=False),
    Column("digest", _DIGEST, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("message", String(500), nullable=False, default=""),
    Column("at", _TIME, nullable=False),
    Column("address", String(71), nullable=False, default=""),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("charged", Boolean, nullable=False, default=True),
    Column("final", Boolean, nullable=False, default=False),
    Column("of", _NUMBER, index=True),
    Column("once", String(80), unique=True),
)
Index("ix_submissions_team", SUBMISSIONS.c.team, SUBMISSIONS.c.phase, SUBMISSIONS.c.at)
Index("ix_submissions_phase", SUBMISSIONS.c.phase, SUBMISSIONS.c.state)
Index("ix_submissions_competition", SUBMISSIONS.c.competition, SUBMISSIONS.c.size)
Index("ix_submissions_user", SUBMISSIONS.c.user, SUBMISSIONS.c.size)
"""brings: `predictions` or `code`. team: none of a baseline of the host's.
state: `waiting`, `running`, `scored`, `failed` or `stopped`; a projection of the journal, as `reason` is.
charged: whether it counts against the limits of its team; what the platform could not do does not.
final: whether its team chose it. of: the submission that it was handed over from, or is another run of.
address: a keyed digest of where it came from, for hosts. once: what the client named it by, so that sending it twice
makes one."""

TALLIES = Table(
    "tallies",
    METADATA,
    Column("phase", _NUMBER, ForeignKey("phases.id"), primary_key=True),
    Column("team", _NUMBER, ForeignKey("teams.id"), primary_key=True),
    Column("entries", Integer, nullable=False),
    Column("last", _TIME, nullable=False),
)
"""How many submissions a team has sent in a phase, and when the last: so that a board does not grow with them."""

EDITIONS = Table(
    "editions",
    METADATA,
    Column("phase", _NUMBER, ForeignKey("phases.id"), primary_key=True),
    Column("number", _NUMBER, nullable=False),
)
"""How often what a board shows beside its scores has changed: teams, their names, how much they sent."""

POSTS = Table(
    "posts",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False, index=True),
    Column("parent", _NUMBER, ForeignKey("posts.id"), index=True),
    Column("user", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("title", String(200), nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("edited", _TIME),
    Column("deleted", _TIME),
)

# Boards: what happened, and what follows from it

JOURNAL = Table(
    "journal",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("code", _DIGEST),
)
"""The records of each board (`core.ports.Journal`): the one truth about it."""

SIGNALS = Table(
    "signals",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("board", String(60), nullable=False),
    Column("signal", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""What has come in for boards and is in no journal yet (`core.ports.Inbox`)."""

SCORES = Table(
    "scores",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("problem", _DIGEST, primary_key=True),
    Column("entry", _NUMBER, primary_key=True, autoincrement=False),
    Column("metrics", Text, nullable=False),
    Column("intervals", Text, nullable=False),
    Column("shown", Text),
    Column("reason", Text, nullable=False, default=""),
)
"""A projection: each entry by the public rows of each problem. shown: metrics as the board shows them, where a guard
shows others."""

PLACES = Table(
    "places",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("entry", _NUMBER, primary_key=True, autoincrement=False),
    Column("team", String(60), nullable=False),
    Column("number", Integer, nullable=False),
    Column("line", Text, nullable=False),
)
"""A projection: the latest ranks, one entry a team; of the `public` rows, and of the `rest` when a phase is closed.
number: the order on the board. line: `core.standings.Standing`'s numbers as JSON."""

ALLIANCES = Table(
    "alliances",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("content", Text, nullable=False),
)
"""A projection: what the best entries achieve together, as JSON."""

SUSPICIONS = Table(
    "suspicions",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("entry", _NUMBER, primary_key=True, autoincrement=False),
    Column("other", _NUMBER, primary_key=True, autoincrement=False),
    Column("value", Float, nullable=False),
    Column("detail", Text, nullable=False),
)
"""A projection: what hosts may want to look at (`compete.hosted_watch.Unusual`). kind: `alike`, predictions of two
teams that are nearly equal; `gap`, a private score far from the public one, where other is 0; or `failed`, where entry
and other are. detail: further numbers, as JSON."""

APPLIED = Table(
    "applied",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("number", _NUMBER, nullable=False),
    Column("at", _TIME, nullable=False),
)
"""Up to which record of its journal the projections of a board follow."""

RESCORES = Table(
    "rescores",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("board", String(60), nullable=False, index=True),
    Column("problem", _DIGEST, nullable=False),
    Column("by", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("why", Text, nullable=False),
    Column("correction", _NUMBER, ForeignKey("corrections.id"), nullable=False),
    Column("difference", Text),
)
"""difference: a projection: of each team that moved its rank by the problem before and by this one, as JSON, once all
that had a score have one by this (`compete.hosted_changes.moved`)."""

CORRECTIONS = Table(
    "corrections",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False, index=True),
    Column("by", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("why", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("complaint", Text, nullable=False, default=""),
)
"""What a host gives in place of a truth or of metrics. files: digest and size by path, as JSON; metrics: names, as
JSON, none where they stay. state: `waiting` for its opening, `applied`, or `refused` with a complaint."""

OPENINGS = Table(
    "openings",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("competition", _NUMBER, ForeignKey("competitions.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("job", Text, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("correction", _NUMBER, ForeignKey("corrections.id")),
)
"""Competitions whose folder is to be looked through (`open_competition`). state: `waiting` or `ended`.
correction: for which it is looked through, where the competition is published (`services.rescoring`)."""

CHANGES = Table(
    "changes",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("topic", String(80), nullable=False),
    Column("at", _TIME, nullable=False),
    sqlite_autoincrement=True,
)
"""What pages that are open are to be told: `board ID`, `submission ID`, `queue`. Kept for some minutes."""

# An arena

BATTLES = Table(
    "battles",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("phase", _NUMBER, ForeignKey("phases.id"), nullable=False),
    Column("voter", _NUMBER, ForeignKey("users.id"), nullable=False),
    Column("prompt", Integer, nullable=False),
    Column("left", _NUMBER, nullable=False),
    Column("right", _NUMBER, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("outcome", String(8), nullable=False, default=""),
    Column("shown", _TIME, nullable=False),
    Column("at", _TIME),
    Column("batch", String(80), nullable=False, default=""),
    Index("ix_battles_batch", "phase", "batch"),
    Index("ix_battles_voter", "voter", "phase"),
)
"""A pair that somebody was shown, blind, and what they said: `left`, `right`, `tie`, `bad`; nothing yet; or `gone`, of
one that was taken back, since one of the two no longer stands. left, right: submissions. propensity: the probability
with which this pair was drawn for this voter. batch: the id of the signal that carried the vote, once one has."""

PAIRINGS = Table(
    "pairings",
    METADATA,
    Column("board", String(60), primary_key=True),
    Column("content", Text, nullable=False),
    Column("voters", Text, nullable=False),
)
"""A projection: which entries of an arena may be shown, and which pairs tell most (`services.pairing.Pairing`); and
voters who do not vote as the crowd does, for hosts."""

# Accounts of extras

COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("value", Float, nullable=False),
)
"""Sums since the platform began, for `/metrics`."""
