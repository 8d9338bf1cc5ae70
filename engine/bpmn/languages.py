"""Which language is an expression of a file written in, and its text as the evaluator wants it (see `engine.model.languages`).

The order of what decides: `language` of the expression itself, `expressionLanguage` of the file, a leading `=` in a file of Camunda 8; else
Python. An expression in any other language is a finding, wherever it stands; nothing is read as something that it is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.templates import Template, code, source, template
from engine.bpmn.timers import looks_iso
from engine.bpmn.xml_source import BPMN, CAMUNDA_LIKE, OURS, ZEEBE, Xml, child, local, text
from engine.model.languages import FEEL, PYTHON, XPATH, feel, is_feel, named

PLATFORM = "{http://camunda.org/schema/modeler/1.0}executionPlatform"
EXPRESSIONS = {
    "conditionExpression", "condition", "loopCondition", "loopCardinality", "completionCondition", "activationCondition", "timeDate", "timeDuration",
    "timeCycle", "messagePath", "dataPath", "from", "to", "transformation", "formalExpression",
}  # fmt: skip
SCRIPTS = {"scriptTask": "scriptFormat", "globalScriptTask": "scriptLanguage"}
VENDORS = tuple(f"{{{space}}}" for space in (OURS, *CAMUNDA_LIKE, ZEEBE))


# --- the file -------------------------------------------------------------------------------------------------------
def of_file(element: Xml) -> str:
    """What the file's `expressionLanguage` says, "" for nothing."""
    return (element.getroottree().getroot().get("expressionLanguage") or "").strip()


def is_zeebe(element: Xml) -> bool:
    """A file of Camunda 8: by its execution platform, else because it declares Zeebe's namespace."""
    root = element.getroottree().getroot()
    platform = root.get(PLATFORM)
    return platform.startswith(("Camunda Cloud", "Camunda 8")) if platform else ZEEBE in root.nsmap.values()


def _in_feel(element: Xml, said: str, own: str | None) -> bool:
    stated = own or of_file(element)
    if stated:
        return named(stated) == FEEL
    return said.startswith("=") and not said.startswith("==") and is_zeebe(element)


# --- texts ----------------------------------------------------------------------------------------------------------
def whole(element: Xml, said: str | None, own: str | None = None) -> str:
    """A text that is an expression as a whole, without what is wrapped around it; "" for nothing. `own`: the language that it names itself."""
    said = (said or "").strip()
    bare = source(said)
    return feel(bare) if bare and not is_feel(bare) and _in_feel(element, said, own) else bare


def formal(element: Xml | None) -> str:
    """The text of one of BPMN's own expression elements; "" for none."""
    return "" if element is None else whole(element, text(element), own_language(element))


def own_language(element: Xml) -> str | None:
    """What an expression element names as its language (BPMN 2.0.2 section 8.4.7)."""
    return (element.get("language") or "").strip() or None


def expression_in(element: Xml, said: str, own: str | None = None) -> Template:
    """A template of one expression."""
    return Template(said, ((True, whole(element, said, own)),))


def template_in(element: Xml, said: str | None) -> Template | None:
    """A text that is literal but for the expressions in it; None for nothing."""
    found = template(said)
    if found is None or said is None or not _in_feel(element, said.strip(), None):
        return found
    return Template(said, tuple((inside, feel(part) if inside and not is_feel(part) else part) for inside, part in found.parts))


def name_in(element: Xml, said: str) -> str:
    """The name of a message or signal; expressions in it are written `${...}`, those in FEEL `${=...}`."""
    found = template_in(element, said)
    return said if found is None or not found.expressions else "".join(f"${{{part}}}" if inside else part for inside, part in found.parts)


def timer(element: Xml) -> str:
    """Text of a timer: ISO 8601 as it stands, else an expression."""
    said = text(element)
    return said if looks_iso(said) else formal(element)


def script(element: Xml, *, one_value: bool) -> str | None:
    """Text of a script task; None for none. `one_value`: its script is one expression, whose value goes into a variable (Camunda's notation)."""
    found = child(element, "script")
    zeebe = next(element.iterfind(f"{{{BPMN}}}extensionElements/{{{ZEEBE}}}script"), None)
    if found is None and zeebe is not None:
        return whole(element, zeebe.get("expression")) or None
    body = None if found is None else code("".join(found.itertext()))
    if body is not None and named(script_language(element) or of_file(element)) == FEEL:
        return whole(element, body, FEEL)
    if body is not None and one_value:
        return source(body)
    return f" {body}" if body is not None and is_feel(body) else body  # no Python begins so: refused, and not taken for FEEL


def script_language(element: Xml) -> str:
    """What a script task names as its language."""
    return (element.get("scriptFormat") or element.get("scriptLanguage") or "").strip()


# --- what is written in another language ----------------------------------------------------------------------------
def foreign(element: Xml) -> Iterator[tuple[Xml, str, str]]:
    """(element, language, where it is named) for each expression and script inside that is in no language that is executed."""
    of_all = of_file(element)
    known = named(of_all) if of_all else PYTHON
    for one in element.iter():
        if not isinstance(one.tag, str):
            continue
        kind = local(one)
        if kind in EXPRESSIONS:
            own = own_language(one)
            if own and named(own) not in (PYTHON, FEEL):
                yield one, own, "language"
            elif not own and known not in (PYTHON, FEEL) and _evaluated(one, kind) and not (known == XPATH and _wrapped(text(one))):
                yield one, of_all, "expressionLanguage"
        elif kind in SCRIPTS:
            own = script_language(one)
            if own and named(own) not in (PYTHON, FEEL):
                yield one, own, SCRIPTS[kind]
            elif not own and known not in (PYTHON, FEEL, XPATH) and child(one, "script") is not None:
                yield one, of_all, "expressionLanguage"
        if known not in (PYTHON, FEEL, XPATH) and _vendor_expression(one):
            yield one, of_all, "expressionLanguage"


def _evaluated(element: Xml, kind: str) -> bool:
    """Does this text have to be evaluated? Not the target of an assignment, not a date, not a name in a resource role."""
    said = text(element)
    if kind.startswith("time"):
        return bool(said) and not looks_iso(said)
    if kind == "formalExpression" and local(element.getparent()) == "resourceAssignmentExpression":
        found = template(said)
        return found is not None and bool(found.expressions)
    return bool(said) and kind != "to"


def _wrapped(said: str) -> bool:
    """`${...}` is a notation of its own: the tools that write it name XPath only because it is the standard's default."""
    return said.startswith(("${", "#{")) and source(said) != said


def _vendor_expression(element: Xml) -> bool:
    """An attribute of a vendor's namespace, or a vendor's element, that holds an expression."""
    ours = element.tag.startswith(VENDORS)
    texts = [value for key, value in element.attrib.items() if ours or key.startswith(VENDORS)]
    if ours and not len(element):
        texts.append(element.text or "")
    return any(found.expressions for found in map(template, texts) if found is not None)
