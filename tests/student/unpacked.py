"""What is inside a set-up cell."""

from __future__ import annotations

import base64
import bz2
import json
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any


def unpacked(notebook: Mapping[str, Any]) -> dict[str, str]:
    """The files a notebook's set-up cell writes, by name."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["id"] == "set-up"]
    assert len(sources) == 1
    packed = re.search(r'packed="""\n(.*)\n"""', sources[0], re.DOTALL)
    assert packed is not None
    *blocks, files = bz2.decompress(base64.b85decode("".join(packed.group(1).split()))).decode().split("\0")
    listed = {name: accumulate(steps) for name, steps in json.loads(files).items()}
    return {name: "\n\n\n".join(blocks[number] for number in numbers) for name, numbers in listed.items()}


def public_tests(notebook: Mapping[str, Any]) -> dict[str, str]:
    """The public checks in a notebook's set-up cell, by question."""
    prefix = "tests/"
    return {
        name.removeprefix(prefix).removesuffix(".py"): source
        for name, source in unpacked(notebook).items()
        if name.startswith(prefix)
    }
