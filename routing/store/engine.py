"""Opening the database: SQLite in a file by default, Postgres by one URL; migrations run before anything else."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from routing.errors import StoreError

URL_NAME: Final = "THALAMUS_DATABASE_URL"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
WAIT_S: Final = 10.0  # for another writer of the same SQLite file
# After somebody waited in vain, others do not: a page asks the database several times.
HELD_S: Final = 30.0
HELD_WAIT_S: Final = 0.1
_MIGRATION_LOCK: Final = 7_321_003  # any number; two apps that start on one Postgres must not migrate at once
_migrating = threading.Lock()

# What drivers say, and what that means for a person.
_SAID: Final = (
    (("locked", "busy"), "another program holds it locked; end that program, or try again later"),
    (("readonly", "read-only"), "it may only be read; make its file and folder writable"),
    (("is full", "no space left"), "the disk is full; free some space"),
    (("malformed", "not a database", "encrypted"), "its file is damaged; put a copy in its place, or move it away"),
    (("disk i/o",), "the disk failed or is full; check it"),
    (("no such table", "no such column", "does not exist"), "its tables were changed; restore a copy"),
    (("unable to open",), "its file cannot be opened; check that file and folder are there and may be written"),
    (("connection", "connect"), "it does not answer; check that it runs"),
    (("foreign key",), "what it belongs to was deleted meanwhile"),
)


def default_url(secrets: Mapping[str, object] | None = None) -> str:
    """Where runs are kept: secrets or environment name a URL, else a SQLite file in the person's data folder."""
    for place in (secrets or {}, os.environ):
        named = place.get(URL_NAME)
        if isinstance(named, str) and named:
            return named
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{data / 'thalamus' / 'thalamus.db'}"


def connect(url: str) -> Engine:
    """An engine whose database has the newest tables.

    Raises:
        StoreError: The URL cannot be read, its driver is missing, the database does not answer, or a newer version
            of the app made it; a password in the URL is never part of the message.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            f"{URL_NAME} is no database URL. Write for example sqlite:////var/lib/thalamus.db or "
            "postgresql+psycopg://user:password@host/name."
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    engine = None
    try:
        if parsed.get_backend_name() == "sqlite":
            engine = _sqlite(url, parsed.database)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        migrate(engine)
    except (SQLAlchemyError, NoSuchModuleError, CommandError, ImportError, OSError) as problem:
        if engine is not None:
            engine.dispose()
        raise StoreError(f"The database {shown} cannot be used: {cause(problem)}. {URL_NAME} names it.") from None
    return engine


def cause(problem: BaseException) -> str:
    """Why a database failed, in words for a person; no value of a query and no password is in it."""
    origin = getattr(problem, "orig", None) or problem
    text = str(origin).strip().splitlines()[0][:200] if str(origin).strip() else ""
    lower = text.lower()
    for words, meaning in _SAID:
        if any(word in lower for word in words):
            return f"{meaning} ({text})"
    return text if isinstance(origin, CommandError | OSError | ImportError | NoSuchModuleError) else _kind(origin)


def _kind(origin: BaseException) -> str:
    """Where a message may hold what somebody typed, the kind of failure must do."""
    return f"it failed ({type(origin).__name__})"


def _sqlite(url: str, database: str | None) -> Engine:
    if database and database != ":memory:" and not database.startswith("file:"):
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": WAIT_S})
    held_at = -HELD_S

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own connection
        # A damaged letter must not sink the rows beside it.
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        cursor = connection.cursor()
        # The write-ahead log makes every commit whole or absent after kill -9, and lets readers go on meanwhile.
        for pragma in (f"busy_timeout={_wait_ms()}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "checkout")
    def wait(connection: Any, *_: object) -> None:  # noqa: ANN401 - the driver's own connection
        connection.execute(f"PRAGMA busy_timeout={_wait_ms()}")

    @event.listens_for(engine, "handle_error")
    def note(context: ExceptionContext) -> None:
        nonlocal held_at
        if "locked" in str(context.original_exception):
            held_at = time.monotonic()

    def _wait_ms() -> int:
        is_held = time.monotonic() - held_at < HELD_S
        return int((HELD_WAIT_S if is_held else WAIT_S) * 1e3)

    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version, all or nothing; writes nothing where they are.

    Raises:
        CommandError: A newer version of the app made the tables.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with _migrating, engine.connect() as connection:
        if _is_newest(connection, config):
            return
        connection.rollback()
        # Python's driver begins no transaction before CREATE TABLE, and a process may end between two of them.
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _is_newest(connection: Connection, config: Config) -> bool:
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    here = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := sorted(here - known):
        raise CommandError(
            f"a newer version of the app made its tables ({unknown[0]}; this one knows them up to "
            f"{scripts.get_current_head()}); update the app, or name another database"
        )
    return here == set(scripts.get_heads())
