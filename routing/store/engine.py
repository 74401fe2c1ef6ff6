"""Opening the database: SQLite in a file by default, Postgres by one URL; migrations run before anything else."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from routing.errors import StoreError

URL_NAME: Final = "THALAMUS_DATABASE_URL"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
WAIT_S: Final = 30.0  # for another writer of the same SQLite file
_migrating = threading.Lock()


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
        StoreError: The URL cannot be read, its driver is missing, or the database does not answer; a password in
            the URL is never part of the message.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            f"{URL_NAME} is no database URL. Write for example sqlite:////var/lib/thalamus.db or "
            "postgresql+psycopg://user:password@host/name."
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    try:
        if parsed.get_backend_name() == "sqlite":
            engine = _sqlite(url, parsed.database)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        migrate(engine)
    except (SQLAlchemyError, NoSuchModuleError, ImportError, OSError) as problem:
        raise StoreError(
            f"The database {shown} cannot be used ({_cause(problem)}). Check the URL in {URL_NAME}."
        ) from None
    return engine


def _cause(problem: BaseException) -> str:
    """The first line of what went wrong, which names no password: drivers repeat host and user only."""
    origin = getattr(problem, "orig", None) or problem
    return str(origin).strip().splitlines()[0][:200] if str(origin).strip() else type(origin).__name__


def _sqlite(url: str, database: str | None) -> Engine:
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": WAIT_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own connection
        cursor = connection.cursor()
        # The write-ahead log makes every commit whole or absent after kill -9, and lets readers go on meanwhile.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; does nothing where they are."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with _migrating, engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
