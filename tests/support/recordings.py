"""Values as earlier versions kept them."""

from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"
