"""A router as a zip: taken away, and brought in from elsewhere, which is checked before anything of it is kept."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

from routing.catalog import ASSETS
from routing.encoder import CARD_FILE, GRAPH_FILE, TOKENIZER_FILE
from routing.errors import DataError
from routing.onboarding.basis import BASIS_FILE
from routing.sample import SAMPLE_FILE
from routing.workshop import children, places
from routing.workshop.bounds import MOST_UNPACKED_MB, MOST_ZIP_MB

POOLS_FILE: Final = "pools.json"
FILES: Final = (CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, SAMPLE_FILE, BASIS_FILE, "experts.csv", POOLS_FILE)
NEEDED: Final = (CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, SAMPLE_FILE)
CHECK_S: Final = 120


def packed(folder: Path) -> bytes:
    """The files of a router as a zip."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            if (folder / name).is_file():
                archive.write(folder / name, name)
    return into.getvalue()


def bring_in(owner: str, content: bytes, *, tell: children.Tell = children.silent) -> tuple[str, dict[str, Any]]:
    """Check a zip in a bounded process and keep its router; returns its id and its card.

    The graph, its card, its sample and what onboarding rests on are taken; the tokenizer must be ours, and tables of
    experts and pools are written anew from the card. ``tell`` is told while it waits for other uploads.

    Raises:
        DataError: It is no such zip, or what is in it was not made by training here, or does not match.
        StoreError: There is no room.
    """
    places.check_room(owner)
    router_id = places.new_id()
    part = places.home(owner) / f"{places.PART}{router_id}"
    part.mkdir(parents=True)
    try:
        unpack_checked(content, part, tell=tell)
        card: dict[str, Any] = json.loads((part / CARD_FILE).read_text(encoding="utf-8"))
        part.rename(places.folder(owner, router_id))
    finally:
        places.remove(part)
    return router_id, card


def read_zip(path: Path) -> bytes:
    """The bytes of a router's zip.

    Raises:
        DataError: There is none, or it is larger than such a zip.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_ZIP_MB * 1_000_000 + 1)
    except OSError as problem:
        raise DataError(
            f"{path} cannot be opened ({problem.strerror}). Give the folder that train wrote, or the zip of a router."
        ) from problem
    if len(content) > MOST_ZIP_MB * 1e6:
        raise DataError(f"{path} has more than {MOST_ZIP_MB} MB, which no zip of a router has. Give another.")
    return content


def unpack_checked(content: bytes, into: Path, *, tell: children.Tell = children.silent) -> None:
    """Write the files of a zip into a folder and check them in a bounded process; raises what ``bring_in`` does."""
    unpack(content, into)
    children.run("check", into, wall_s=CHECK_S, tell=tell)


def unpack(content: bytes, into: Path) -> None:
    """Write the files of a zip that routers have, and none besides.

    Raises:
        DataError: It is no zip, has other files than a router, a file is missing or twice, or it unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            names = [one.filename for one in listed]
            strange = [name for name in names if name not in FILES]
            if strange:
                raise DataError(f"The zip holds {strange[0][:60]!r}; a router has {', '.join(FILES)} and nothing else.")
            absent = [name for name in NEEDED if name not in names]
            if absent or len(set(names)) < len(names):
                raise DataError(f"The zip lacks {absent[0]}." if absent else "The zip holds a file twice.")
            size = sum(one.file_size for one in listed)
            if size > MOST_UNPACKED_MB * 1e6:
                raise DataError(f"The zip unpacks to {size / 1e6:,.0f} MB; at most {MOST_UNPACKED_MB} MB are taken.")
            for one in listed:
                # zipfile reads no more than the size it states, and the sizes were added up above.
                (into / one.filename).write_bytes(archive.read(one))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as problem:
        raise DataError(f"The file is no readable zip ({problem}). Export the router again.") from problem
    if (into / TOKENIZER_FILE).read_bytes() != (ASSETS / TOKENIZER_FILE).read_bytes():
        raise DataError("tokenizer.json is not the tokenizer that routers here are made with, so the zip is refused.")
