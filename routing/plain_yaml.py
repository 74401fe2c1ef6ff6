"""YAML of unknown origin as plain data: no tags, no key twice, bounded in size and depth, references counted out."""

import codecs
import json
from typing import Any, Final

import yaml

LARGEST: Final = 400_000  # characters; the parser takes about a second for so many
DEEPEST: Final = 30
MOST_PARTS: Final = 250_000  # values, each counted as often as it is referred to; a text of the largest size has fewer
_MERGE: Final = "tag:yaml.org,2002:merge"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Loader(yaml.SafeLoader):
    """The safe loader: what a reference stands for is counted each time, and no key may be given twice.

    A number or a day that cannot be one stays the text that it is, so that one of them does not sink the rest.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._merged: set[int] = set()

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as the library has it
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(_TOO_DEEP)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:  # noqa: ANN401
        node = super().get_single_node()
        if node is not None:
            _measure(node, {})
        return node

    def flatten_mapping(self, node: Any) -> None:  # noqa: ANN401
        if id(node) in self._merged:
            return
        self._merged.add(id(node))
        own = [self.construct_object(key, True) for key, _ in node.value if key.tag != _MERGE]
        try:
            is_double = len(set(own)) < len(own)
        except TypeError:  # the library says of a list as key what is wrong with it
            is_double = False
        if is_double:
            raise yaml.YAMLError("a key is given twice")
        super().flatten_mapping(node)


_TOO_DEEP: Final = f"it is nested more than {DEEPEST} levels deep"


def _measure(node: Any, seen: dict[int, tuple[int, int] | None]) -> tuple[int, int]:  # noqa: ANN401
    """How many parts a node has, and how deep they lie, with every reference written out."""
    if id(node) in seen:
        if (known := seen[id(node)]) is None:
            raise yaml.YAMLError("a part of it refers to itself")
        return known
    seen[id(node)] = None
    parts, depth = 1, 0
    if not isinstance(node, yaml.ScalarNode):
        inner = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
        for one in inner:
            more, below = _measure(one, seen)
            parts, depth = parts + more, max(depth, below)
    if parts > MOST_PARTS:
        raise yaml.YAMLError(
            f"with its references written out it has more than {MOST_PARTS:,} values; at most so many are read"
        )
    if depth + 1 > DEEPEST:
        raise yaml.YAMLError(_TOO_DEEP)
    seen[id(node)] = parts, depth + 1
    return parts, depth + 1


def _or_text(kind: str) -> None:
    """Let a scalar that only looks like a number or a day be its text."""
    read_one = yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{kind}"]

    def construct(loader: _Loader, node: Any) -> object:  # noqa: ANN401
        try:
            return read_one(loader, node)
        except (ValueError, OverflowError):
            return str(node.value)

    _Loader.add_constructor(f"tag:yaml.org,2002:{kind}", construct)


for _kind in ("int", "float", "timestamp"):
    _or_text(_kind)


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 as its first bytes say.

    Raises:
        ValueError: It is in none of them.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    # Without a mark the zero bytes of the first letters tell: YAML and JSON begin with plain ones.
    bare = {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get((data[:1] == b"\0", data[1:2] == b"\0"))
    try:
        return data.decode(marked or bare or "utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8 or UTF-16; save it as UTF-8") from None


def read(text: str) -> object:
    """The plain data of a YAML or JSON text.

    Raises:
        ValueError: It is too long, is no YAML, or holds what plain data has no need of; the message says which.
    """
    if len(text) > LARGEST:
        raise ValueError(f"it has {len(text):,} characters; at most {LARGEST:,} are read")
    text = text.removeprefix("\ufeff")
    if (found := _json(text)) is not None:
        return found
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, narrowed
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        said = problem.problem or "it cannot be read"
        if "'\\t'" in said:
            said = "a tab stands where only spaces may"
        raise ValueError(f"{said}{where}") from None
    except yaml.YAMLError as problem:
        raise ValueError(str(problem).splitlines()[0]) from None
    except (RecursionError, TypeError, AttributeError, ValueError):  # from the library's readers of values
        raise ValueError("a value cannot be read as what it looks like; put it in quotes") from None


def _json(text: str) -> object | None:
    """The data of a JSON text, which may hold tabs and halves of characters that YAML does not know; else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None

    def single(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is given twice")
        return found

    try:
        found: object = json.loads(text, object_pairs_hook=single, parse_int=_whole)
    except json.JSONDecodeError:  # YAML in braces, perhaps
        return None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _depth(found) > DEEPEST:
        raise ValueError(_TOO_DEEP)
    return found


def _whole(digits: str) -> object:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return digits


def _depth(found: object) -> int:
    """How deep data is nested, up to one more than is allowed."""
    level, depth = [found], 0
    while level and depth <= DEEPEST:
        depth += 1
        lists = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [inner for one in lists for inner in one]
    return depth
