"""What a reader of a figure sees."""

from __future__ import annotations

import re


def texts(svg: str) -> list[str]:
    """Texts of a figure."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def titles(svg: str) -> list[str]:
    """What appears on hover."""
    return re.findall(r"<title>([^<]*)</title>", svg)
