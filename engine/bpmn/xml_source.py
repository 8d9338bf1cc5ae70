"""BPMN bytes to an XML tree, strictly: no DOCTYPE, no entities, no network, bounded size and depth."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engine.bpmn.limits import Limits
from engine.errors import DeploymentRejected, Problem
from engine.model import files

BPMN = files.BPMN
XSI = "http://www.w3.org/2001/XMLSchema-instance"
OURS = "https://flowledger.org/bpmn/1.0"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
CAMUNDA_LIKE = (
    "http://camunda.org/schema/1.0/bpmn",
    "http://operaton.org/schema/1.0/bpmn",
    "http://flowable.org/bpmn",
    "http://activiti.org/bpmn",
)

Xml = Any  # lxml's elements carry no public types


def parse(file: str, data: bytes, limits: Limits) -> Xml:
    """The root element. Raises DeploymentRejected with one problem."""
    if len(data) > limits.file_bytes:
        raise _rejected(file, "xml.size", f"the file has {len(data)} bytes, the limit is {limits.file_bytes}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        raise _rejected(file, "xml.syntax", f"not well-formed XML: {exc.msg}", exc.lineno) from exc
    except (ValueError, LookupError) as exc:
        raise _rejected(file, "xml.syntax", f"not readable as XML: {exc}") from exc
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise _rejected(file, "xml.doctype", "a DOCTYPE is not allowed", 1, advice="remove the <!DOCTYPE ...> line")
    if root.tag != f"{{{BPMN}}}definitions":
        raise _rejected(file, "bpmn.root", "the root element is not BPMN 2.0 <definitions>", root.sourceline)
    _check_depth(file, root, limits.xml_depth)
    count = sum(1 for one in root.iter() if local(one))
    if count > limits.file_elements:
        raise _rejected(file, "xml.elements", f"the file has {count} elements, the limit is {limits.file_elements}")
    return root


def _check_depth(file: str, root: Xml, limit: int) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limit:
            raise _rejected(file, "xml.depth", f"elements are nested deeper than {limit}", element.sourceline)


def _rejected(file: str, rule: str, message: str, line: int | None = None, advice: str = "") -> DeploymentRejected:
    return DeploymentRejected([Problem(file, rule, message, line=line, advice=advice)])


# --- reading ------------------------------------------------------------------------------------------------------------
def local(element: Xml) -> str:
    """The BPMN local name, "" for elements of other namespaces."""
    tag = element.tag
    return tag[len(BPMN) + 2 :] if isinstance(tag, str) and tag.startswith(f"{{{BPMN}}}") else ""


def children(element: Xml, name: str) -> list[Xml]:
    return list(element.iterchildren(f"{{{BPMN}}}{name}"))


def child(element: Xml, name: str) -> Xml | None:
    return element.find(f"{{{BPMN}}}{name}")


def text(element: Xml | None) -> str:
    """All text inside, stripped."""
    return "" if element is None else "".join(element.itertext()).strip()


def reference(value: str | None) -> str | None:
    """A QName reference without its prefix."""
    return value.strip().rsplit(":", 1)[-1] if value and value.strip() else None


def imports(root: Xml) -> list[str]:
    """Namespaces of the BPMN files that a file imports (BPMN 2.0.2 section 8.2.2)."""
    return [one.get("namespace") or "" for one in children(root, "import") if one.get("importType") == BPMN]


def qualified(element: Xml, value: str | None) -> tuple[str | None, str]:
    """Namespace and id that a QName reference means; None for the namespace when it has no prefix, or one that is not declared."""
    prefix, _, key = (value or "").strip().rpartition(":")
    return (element.nsmap.get(prefix) if prefix else None), key


def flag(element: Xml, name: str, default: bool) -> bool:
    value = element.get(name)
    return default if value is None else value.strip().lower() in ("true", "1")


def whole(value: str, most: int = 999_999_999) -> int | None:
    """A whole number from 0 to `most`; None for everything else, however long or in whatever digits."""
    value = value.strip()
    found = int(value) if value.isascii() and value.isdecimal() and len(value) <= len(str(most)) else None
    return found if found is not None and found <= most else None
