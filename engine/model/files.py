"""What kind of file is that? By the end of its name, in any case; a plain `.xml` by the namespace in it, in whatever encoding it is."""

from __future__ import annotations

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DMN = "www.omg.org/spec/DMN/"
FORM = ".form.json"

_BPMN_ENDS = (".bpmn", ".bpmn2", ".bpmn20.xml", ".bpmn.xml")
_DMN_ENDS = (".dmn", ".dmn.xml", ".dmn11.xml")
_ENCODINGS = ("ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def kind_of(name: str, data: bytes) -> str | None:
    """`bpmn`, `dmn`, `form`, or None."""
    lower = name.lower()
    if name.endswith(FORM):
        return "form"
    if lower.endswith(_BPMN_ENDS):
        return "bpmn"
    if lower.endswith(_DMN_ENDS):
        return "dmn"
    if lower.endswith(".xml"):
        return "bpmn" if _holds(data, BPMN) else "dmn" if _holds(data, DMN) else None
    return None


def _holds(data: bytes, text: str) -> bool:
    return any(text.encode(encoding) in data for encoding in _ENCODINGS)
