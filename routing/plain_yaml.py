"""YAML of unknown origin as plain data: no tags, no references, no key twice, bounded in size and depth."""

from typing import Any, Final

import yaml

LARGEST: Final = 400_000  # characters; the parser takes about a second for so many
DEEPEST: Final = 30


class _Loader(yaml.SafeLoader):
    """The safe loader without references, which can make a small file large, and without keys given twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as the library has it
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to another part of itself (*name)")
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        found = super().construct_mapping(node, deep)
        if len(found) != len(node.value):
            raise yaml.YAMLError("a key is given twice")
        return found


def read(text: str) -> object:
    """The plain data of a YAML text.

    Raises:
        ValueError: It is too long, is no YAML, or holds what plain data has no need of; the message says which.
    """
    if len(text) > LARGEST:
        raise ValueError(f"it has {len(text):,} characters; at most {LARGEST:,} are read")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, narrowed
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{problem.problem or 'it cannot be read'}{where}") from None
    except yaml.YAMLError as problem:
        raise ValueError(str(problem).splitlines()[0]) from None
    except (RecursionError, TypeError, AttributeError, ValueError):  # from the library's readers of numbers and days
        raise ValueError("a value cannot be read as what it looks like; put it in quotes") from None
