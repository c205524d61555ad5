"""Memory sizes as people write them, and as the code counts them: whole bytes."""

import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_FACTORS = {"B": 1, "KIB": KIB, "MIB": MIB, "GIB": GIB, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([KMG]i?B|B)?\s*", re.IGNORECASE)


def parse_bytes(text: str | int) -> int:
    """Read a size such as ``512MiB``, ``1.5 GB`` or a plain number of bytes.

    Raises
    ------
    ValueError
        If the text is not a non-negative number with a known unit.
    """
    match = _SIZE.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a size; expected a number with a unit such as MiB")
    number, unit = match.groups()
    return int(float(number) * _FACTORS[(unit or "B").upper()])


def format_bytes(size_bytes: float) -> str:
    """Write a size with the largest binary unit that keeps it at one or more."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if abs(size_bytes) >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes:.0f} B"
