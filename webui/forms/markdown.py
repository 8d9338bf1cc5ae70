"""Markdown of users to safe HTML: CommonMark with tables, no raw HTML, then sanitised against a short list of elements."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href", "title"}, "ol": {"start"}, "table": {"class"}}
_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
_LEVELS = {f"h{level}": f"h{min(level + 2, 6)}" for level in range(1, 7)}  # below the page's own headings


def markdown_to_html(text: str) -> Markup:
    """HTML of a Markdown text. Headings start at h3, links open http, https and mailto only, images and HTML stay text."""
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _LEVELS[token.tag]
        elif token.type == "table_open":
            token.attrSet("class", "table table-sm")
        elif token.type in ("th_open", "td_open"):
            token.attrs.pop("style", None)
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow")
    return Markup(clean)  # noqa: S704 - sanitised just above
