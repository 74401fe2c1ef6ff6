"""Answers are untrusted text: what may be shown of them, and how easily they read."""

import json
import re
import warnings
from collections.abc import Iterator

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_MIN_WORDS = 20  # as in the outcome data: shorter answers have no reading ease
_TICKS = re.compile(r"`+")
_MATH = re.compile(r"(\$\$[^$]+\$\$|\$[^$\n]+\$)")
_HTML = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"!\[(?P<alt>[^\[\]\n]{0,500})\](?=\()")
_LINK = re.compile(r"\]\((?=\s*<?(?P<address>[^\s)>]{0,12}))")
_DEFINITION = re.compile(r"^(?P<lead>[ >]*)\[(?=[^\]\n]{0,999}\]:\s*<?(?P<address>[^\s>]{0,12}))", re.MULTILINE)
_ALLOWED = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
# A line on which a link may get its address, whatever list or quotation it stands in.
_LABEL = re.compile(r"^[ \t>*+\-\d.)]*\[(?:[^\[\]\\]|\\.){1,999}\]:", re.MULTILINE | re.DOTALL)
_BLANK = re.compile(r"(\n[ \t]*(?=\n))")
_JOINER = "\u2060"  # has no width, and parts what would be an image
# Streamlit's own marks: coloured text, icons and badges. An answer's words must stay words.
_DIRECTIVE = re.compile(r":(?=[a-z]+(?:-[a-z]+)*\[|material/|streamlit:)")


def safe_markdown(text: str) -> str:
    r"""Make an answer harmless for ``st.markdown`` without changing how ordinary text looks.

    HTML is shown, not interpreted; an image becomes a link, so that nothing is fetched before a click; only
    http, https and mailto addresses are links. Code keeps its characters, and so does mathematics; but where the
    browser could disagree with us about what is code, no image comes of it, since one alone could carry a prompt away.

    >>> safe_markdown("<b>bold</b> ![x](https://example.org/p.png) `<b>`")
    '\\<b>bold\\</b> [image: x](https://example.org/p.png) `<b>`'
    >>> safe_markdown("[go](javascript:alert(1))")
    '[go]\\(javascript:alert(1))'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").split("\n")
    code = _code_lines("\n".join(lines))
    out: list[str] = []
    prose: list[str] = []
    for number, line in enumerate(lines):
        if number in code:
            out += _flush(prose)
            out.append(line)
        else:
            prose.append(line)
    return _without_images("\n".join(out + _flush(prose)))


def reading_ease(text: str) -> float | None:
    """Flesch reading ease of an answer without its code blocks, None below 20 words. Higher reads more easily."""
    prose = _FENCE.sub(" ", text)
    if len(prose.split()) < _MIN_WORDS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # textstat 0.7.4 finds its word lists through pkg_resources
        import textstat

    return float(textstat.flesch_reading_ease(prose))


def is_json(text: str) -> bool:
    """Whether an answer is JSON and nothing else, as a program would read it.

    >>> is_json('{"a": 1}'), is_json('Here it is: {"a": 1}')
    (True, False)
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _code_lines(text: str) -> set[int]:
    """Numbers of the lines that belong to code blocks, by CommonMark's rules."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").disable("inline").parse(text)
    spans = [t.map for t in tokens if t.type in {"fence", "code_block"} and t.map is not None]
    return {number for first, end in spans for number in range(first, end)}


def _flush(prose: list[str]) -> list[str]:
    """The collected prose lines, made harmless; the collection is emptied."""
    if not prose:
        return []
    text = "\n".join(prose)
    prose.clear()
    return ["".join(part if is_code else _harmless(part) for is_code, part in _spans(text))]


def _without_images(text: str) -> str:
    """Part whatever the browser might still read as an image; none reaches across a blank line."""
    has_labels = _LABEL.search(text) is not None
    parts = _BLANK.split(text)
    ends = (len(part) if has_labels else max(0, part.rfind("](")) for part in parts)
    pairs = zip(parts, ends, strict=True)
    return "".join(part[:end].replace("![", f"!{_JOINER}[") + part[end:] for part, end in pairs)


def _spans(text: str) -> Iterator[tuple[bool, str]]:
    """Split into code spans, closed by as many backticks as opened them, and the rest; linear in the text."""
    runs = list(_TICKS.finditer(text))
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(len(runs[index].group()), []).append(index)
    done, index = 0, 0
    while index < len(runs):
        same = later[len(runs[index].group())]
        while same and same[-1] <= index:
            same.pop()
        if same:
            close = runs[same[-1]]
            yield False, text[done : runs[index].start()]
            yield True, text[runs[index].start() : close.end()]
            done, index = close.end(), same[-1]
        index += 1
    yield False, text[done:]


def _harmless(text: str) -> str:
    parts = _MATH.split(text)
    # KaTeX knows no escaped bracket; a space does the same there.
    return "".join(_HTML.sub("< ", part) if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    text = _HTML.sub(r"\\<", text)
    text = _IMAGE.sub(lambda m: f"[image: {m['alt']}]" if m["alt"] else "[image]", text)
    text = text.replace("![", "&#33;[")  # a backslash could itself be escaped by one before it
    text = _LINK.sub(lambda m: m.group() if _ALLOWED.match(m["address"]) else "]\\(", text)
    text = _DEFINITION.sub(lambda m: m.group() if _ALLOWED.match(m["address"]) else f"{m['lead']}\\[", text)
    return _DIRECTIVE.sub(r"\\:", text)
