"""Where the report keeps what took long, so that a second run repeats only what changed."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from routing.catalog import ASSETS
from routing.evaluation.told import Told

CODE: tuple[str, ...] = ("training/**/*.py", "predictors/*.py", "encoder.py", "outcomes.py")
"""What a refit depends on besides the data, below the package."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Predictions of refits on disk, outside the project.

    Args:
        folder: Where they lie.
        stamp: What they were made from; others are made anew.
        is_lenient: Take the newest whatever it was made from.
    """

    folder: Path
    stamp: str
    is_lenient: bool = False

    def told(self, name: str, routers: Sequence[str], make: Callable[[], Told]) -> Told:
        """What was kept under a name if it covers these routers, else what ``make`` gives, which is then kept.

        A lenient shelf gives the newest of that name even where it covers fewer routers.
        """
        path = self.folder / f"{name.replace('/', '-').replace(' ', '-')}-{self.stamp}.npz"
        newest = sorted(self.folder.glob(path.name.replace(self.stamp, "*")), key=lambda p: p.stat().st_mtime)
        for kept in [path] if not self.is_lenient else newest[::-1]:
            found = Told.load(kept)
            if found is not None and (self.is_lenient or found.score.keys() >= set(routers)):
                return found
        made = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        made.save(path)
        return made


def kept_in() -> Path:
    """Where refits are kept between runs: beside the encoded prompts, outside the project."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "thalamus" / "refits"


def stamp_of(data: Path, split: str) -> str:
    """A digest of the data's tables, the judged split and the code that fits."""
    digest = sha256(split.encode())
    for name in ("prompts.parquet", "outcomes.parquet", "pools.json"):
        path = data / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    package = ASSETS.parent / "routing"
    for path in sorted(path for pattern in CODE for path in package.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
