"""The starter set, fetched once as an owner's first start fetches it, into a folder that is kept: PARLEY_REAL."""

import os
from pathlib import Path

import pytest

from core.models import catalogue
from core.models.fetching import fetch


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where models are kept between runs."""
    return Path(os.environ["PARLEY_REAL"])


@pytest.fixture(scope="session")
def ears(models_dir: Path) -> Path:
    """Whisper base's folder."""
    return fetch(catalogue.starter("ears"), models_dir)


@pytest.fixture(scope="session")
def mind(models_dir: Path) -> Path:
    """The GGUF file of the 0.5 B."""
    return fetch(catalogue.starter("mind"), models_dir)
