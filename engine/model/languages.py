"""Expression languages of diagrams and decisions: the names under which files know them, and how a FEEL text is told from a Python text.

A text that is to be evaluated is Python, or FEEL when it begins with `=` (as in the files of Camunda 8). No expression of Python begins so, which
lets a text travel through diagrams, snapshots and records without a second field beside it.
"""

from __future__ import annotations

import re

PYTHON = "python"
FEEL = "feel"
XPATH = "xpath"

_PYTHON = re.compile(r"((text|application)/(x-)?)?python( ?3(\.\d+)?)?|https?://(www\.)?python\.org(/.*)?")
_FEEL = re.compile(r"((text|application)/(x-)?)?s?-?feel|feel:.*|https?://www\.omg\.org/spec/(feel/\d+|dmn/\d+/(s?-?feel|dmn\.xsd|model))/?")
_XPATH = re.compile(r"((text|application)/(x-)?)?xpath([ -]?\d(\.\d)?)?|https?://www\.w3\.org/(1999/xpath|\d{4}/.*xpath.*)/?")


def named(name: str) -> str | None:
    """PYTHON, FEEL or XPATH for what a file calls its language (a name, a MIME type or a URI); None for any other."""
    said = name.strip().lower()
    for language, pattern in ((PYTHON, _PYTHON), (FEEL, _FEEL), (XPATH, _XPATH)):
        if pattern.fullmatch(said):
            return language
    return None


def feel(text: str) -> str:
    """The text marked as FEEL."""
    return f"={text}"


def is_feel(text: str) -> bool:
    """Whether the text is marked as FEEL."""
    return text.startswith("=")


def unmarked(text: str) -> str:
    """A FEEL text without its mark."""
    return text[1:]
