"""DMN bytes to an XML tree, strictly: no DOCTYPE, no entities, no network, bounded size and depth. The rules are those of BPMN files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lxml import etree

from engine.errors import DeploymentRejected, Problem

Xml: TypeAlias = etree._Element

NAMESPACES = {
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
#: names that Camunda's tables give to the value of an input, for its cells
INPUT_VARIABLES = ("{http://camunda.org/schema/1.0/dmn}inputVariable", "{http://operaton.org/schema/1.0/dmn}inputVariable")
MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 100
MAX_ELEMENTS = 100_000


def parse(file: str, data: bytes) -> Xml:
    """The root element, `definitions` of one of the versions of DMN. Raises DeploymentRejected with one problem."""
    if len(data) > MAX_BYTES:
        raise _rejected(file, "xml.size", f"the file has {len(data)} bytes, the limit is {MAX_BYTES}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        raise _rejected(file, "xml.syntax", f"not well-formed XML: {exc.msg}", exc.lineno) from None
    except (ValueError, LookupError) as exc:
        raise _rejected(file, "xml.syntax", f"not readable as XML: {exc}") from None
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise _rejected(file, "xml.doctype", "a DOCTYPE is not allowed", 1, advice="remove the <!DOCTYPE ...> line")
    name = etree.QName(root)
    if name.namespace not in NAMESPACES or name.localname != "definitions":
        raise _rejected(file, "dmn.root", "the root element is not <definitions> of DMN 1.1 to 1.5", int(root.sourceline or 0) or None)
    _bound(file, root)
    return root


def _bound(file: str, root: Xml) -> None:
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > MAX_DEPTH:
            raise _rejected(file, "xml.depth", f"elements are nested deeper than {MAX_DEPTH}", int(element.sourceline or 0))
        if count > MAX_ELEMENTS:
            raise _rejected(file, "xml.elements", f"more than {MAX_ELEMENTS} elements")


def _rejected(file: str, rule: str, message: str, line: int | None = None, advice: str = "") -> DeploymentRejected:
    return DeploymentRejected([Problem(file, rule, message, line=line, advice=advice)])


# --- reading ------------------------------------------------------------------------------------------------------
def local(element: Xml) -> str:
    """The local name of an element of DMN, "" for others."""
    name = etree.QName(element)
    return name.localname if name.namespace in NAMESPACES else ""


def children(element: Xml, *names: str) -> Iterator[Xml]:
    """Child elements of DMN, of these names if any are given."""
    for child in element.iterchildren(tag=etree.Element):
        name = local(child)
        if name and (not names or name in names):
            yield child


def child(element: Xml, *names: str) -> Xml | None:
    """The first such child."""
    return next(children(element, *names), None)


def text(element: Xml | None) -> str:
    """Content of the `text` child, stripped; "" when there is none."""
    inner = child(element, "text") if element is not None else None
    return "" if inner is None else "".join(str(part) for part in inner.itertext()).strip()


def name_of(element: Xml) -> str:
    """The `name` attribute with each run of blanks as one space."""
    return " ".join((element.get("name") or "").split())


def reference(element: Xml | None) -> str | None:
    """The id in `href="#id"`, or the whole address when it leads to another file."""
    href = None if element is None else element.get("href")
    return href.removeprefix("#") if href else None
