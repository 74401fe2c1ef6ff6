"""What several tests share: where the outcome data may lie, and a router made of small parts."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whatever tests run is kept in a folder of theirs, never in the person's own history."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["XDG_DATA_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def outcome_data() -> Path:
    """The folder of open outcomes; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("THALAMUS_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "prompts.parquet").is_file():
        pytest.skip(f"no outcome data at {folder}: set THALAMUS_DATA to the folder that holds prompts.parquet")
    return folder
