"""What several tests share: where the outcome data may lie, and a router made of small parts."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def outcome_data() -> Path:
    """The folder of open outcomes; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("THALAMUS_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "prompts.parquet").is_file():
        pytest.skip(f"no outcome data at {folder}: set THALAMUS_DATA to the folder that holds prompts.parquet")
    return folder
