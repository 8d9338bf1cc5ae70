"""docs/forms.md says what the compiler does: tables against the code, examples compiled."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import forms
from forms import FormCompiler, keywords, limits
from forms.messages import MESSAGES, PHRASES

PAGE = (Path(forms.__file__).parent.parent / "docs" / "forms.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """First column to last column of the table under its head line."""
    after = PAGE[PAGE.index(heading) :].splitlines()[2:]
    rows = [line.strip("|").split("|") for line in after[: next(index for index, line in enumerate(after) if not line.startswith("|"))]]
    return {row[0].strip(): row[-1].strip() for row in rows}


def test_keywords_of_every_kind() -> None:
    documented = {kind: frozenset(re.findall(r"`([^`]+)`", words)) for kind, words in table("| kind |").items()}
    assert documented == keywords.KINDS


def test_formats_hints_widgets_annotations() -> None:
    for name in keywords.TEXT_FORMATS | keywords.ANNOTATIONS | keywords.ROOT_ONLY | keywords.WIDTHS:
        assert f"`{name}`" in PAGE, name
    hints = {name for words in table("| hint |") for name in re.findall(r"`([^`]+)`", words)}
    assert hints == keywords.HINTS
    widgets = {name for words in table("| field |").values() for name in re.findall(r"`([^`]+)`", words)}
    assert widgets == frozenset().union(*keywords.WIDGETS.values())


def test_limits() -> None:
    numbers = {int(value.split()[0]) for value in table("| limit |").values()}
    unlisted = {"NUMBER", "PATTERN_BYTES", "TITLE_CHARACTERS", "HELP_CHARACTERS", "UNDECLARED"}
    assert numbers == {value for name, value in vars(limits).items() if name.isupper() and name not in unlisted}


@pytest.mark.parametrize("text", re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
def test_examples_compile(text: str) -> None:
    key = json.loads(text)["key"]
    assert FormCompiler().compile(f"{key}.form.json", text.encode()).key == key


@pytest.mark.parametrize("name", [*MESSAGES, *PHRASES])
def test_every_sentence_exists_in_both_languages_with_the_same_parameters(name: str) -> None:
    text = MESSAGES.get(name) or PHRASES[name]
    assert text.en
    assert set(re.findall(r"{(\w+)}", text.zh)) == set(re.findall(r"{(\w+)}", text.en))
    assert not re.search(r"[一-鿿][,.;:!?]", text.zh)  # full-width punctuation
    assert not re.search(r"[一-鿿]", text.en)


def test_every_message_is_used_and_every_phrase_too() -> None:
    sources = [path for path in Path(forms.__file__).parent.glob("*.py") if path.name != "messages.py"]
    templates = Path(forms.__file__).parent.parent / "webui"
    sources += [*(templates / "templates" / "forms").glob("*.html"), *(templates / "forms").glob("*.py")]
    whole = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    by_keyword = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "email", "uri"}
    assert [name for name in MESSAGES if name not in whole and name.removeprefix("form.") not in by_keyword] == []
    assert [name for name in PHRASES if f'"{name}"' not in whole.replace("'", '"')] == []
