"""Every text of code and templates has its Chinese; placeholders agree."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import webui
from engine.bootstrap import RULE_TEXTS

WEBUI = Path(webui.__file__).parent


def _catalogue():
    with (WEBUI / "translations" / "zh.po").open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def _extracted():
    keywords = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
    methods = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    found = extract_from_dir(WEBUI, methods, keywords=keywords, directory_filter=lambda d: not {"frontend", "static"} & set(Path(d).parts))
    texts = {(m if isinstance(m, str) else m[0]): f"{name}:{line}" for name, line, m, _, _ in found}
    return texts | dict.fromkeys(RULE_TEXTS, "a rule of the engine")


def test_every_text_has_its_chinese():
    translated = {
        m.id if isinstance(m.id, str) else m.id[0]
        for m in _catalogue()
        if m.id and m.string and all(m.string if isinstance(m.string, tuple) else [m.string])
    }
    missing = {text: where for text, where in _extracted().items() if text not in translated}
    assert missing == {}


def test_no_text_is_left_over():
    used = set(_extracted())
    assert {m.id if isinstance(m.id, str) else m.id[0] for m in _catalogue() if m.id} - used == set()


def test_placeholders_agree():
    for message in _catalogue():
        if message.id:
            source = message.id if isinstance(message.id, str) else message.id[1]
            target = message.string if isinstance(message.string, str) else message.string[0]
            assert sorted(re.findall(r"%\(\w+\)s", source)) == sorted(re.findall(r"%\(\w+\)s", target)), source
