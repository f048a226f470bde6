"""The hexadecimal examples of docs/wire.md, as the document has them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "wire.md"
EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```text\n([0-9a-f \n]+)\n```")


@lru_cache
def examples() -> dict[str, bytes]:
    """Every example by its name."""
    found = EXAMPLE.findall(DOCUMENT.read_text(encoding="utf-8"))
    return {name: bytes.fromhex(digits) for name, digits in found}


def framed(name: str) -> bytes:
    """The only message of an example that is a frame."""
    data = examples()[name]
    assert int.from_bytes(data[:2], "little") == len(data) - 2, f"{name} is one frame"
    return data[2:]
