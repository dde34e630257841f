"""A lab's own settings, `solutions/NAME.toml`: all of them optional.

seed = 1234            # NumPy's and Python's seed for every submission

[limits]
seconds = 300          # wall-clock time of one submission
memory_mb = 4096       # memory of one submission
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from autograder.errors import MasterError


@dataclass(frozen=True)
class LabSettings:
    """Limits of one submission (wall-clock seconds, megabytes) and the seed it starts from."""

    seconds: int = 300
    memory_mb: int = 4096
    seed: int = 1234


def read_settings(text: str, *, file: str) -> LabSettings:
    """Read a lab's TOML; what it does not say keeps its default.

    Raises:
        MasterError: no TOML, an unknown key, or a value that is not a positive whole number.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MasterError(f"this is not TOML: {error}", file=file) from error
    limits = data.pop("limits", {})
    if not isinstance(limits, dict):
        raise MasterError("`limits` must be a table: write `[limits]` on a line of its own", file=file)
    unknown = [*(set(data) - {"seed"}), *(set(limits) - {"seconds", "memory_mb"})]
    if unknown:
        raise MasterError(
            f"unknown setting `{min(unknown)}`: known are `seed` and, under [limits], `seconds` and `memory_mb`",
            file=file,
        )
    default = LabSettings()
    return LabSettings(
        seconds=_whole(limits, "seconds", default.seconds, 1, file),
        memory_mb=_whole(limits, "memory_mb", default.memory_mb, 1, file),
        seed=_whole(data, "seed", default.seed, 0, file),
    )


def _whole(table: dict[str, Any], key: str, default: int, least: int, file: str) -> int:
    value = table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MasterError(f"`{key}` is {value!r}: it must be a whole number of at least {least}", file=file)
    return value
