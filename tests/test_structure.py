"""The shape that keeps the code readable: who may import whom, and how large things may grow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = [
    *("errors", "schema", "catalog", "objective", "flags", "pareto", "flips", "decision", "encoder", "predictors"),
    *("router", "sample", "sweep", "figures"),
]
HEAVY = ("litellm", "torch", "sklearn", "onnx", "spox")
SOURCES = sorted([*ROOT.glob("routing/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"])


def imports_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted(ROOT.glob("routing/**/*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_routing_knows_neither_streamlit_nor_the_pages(path):
    assert not [name for name in imports_of(path) if name.split(".")[0] in {"streamlit", "pages"}]


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_from_its_left(name):
    place = ROOT / "routing" / f"{name}.py"
    files = [place] if place.is_file() else sorted((ROOT / "routing" / name).glob("*.py"))
    assert files, name
    later = {f"routing.{n}" for n in ORDER[ORDER.index(name) + 1 :]}
    found = {".".join(i.split(".")[:2]) for file in files for i in imports_of(file) if i.startswith("routing.")}
    assert not found & later


def test_only_answer_imports_litellm_and_only_training_imports_torch():
    for path in SOURCES:
        tops = {name.split(".")[0] for name in imports_of(path)}
        where = path.relative_to(ROOT).as_posix()
        if not where.startswith("routing/training/"):
            assert not tops & {"torch", "transformers", "sentence_transformers", "sklearn", "onnx", "spox"}, where
        if where not in {"routing/answer/__init__.py", "routing/catalog_check.py"}:
            assert "litellm" not in tops, where


def test_no_page_lies_directly_in_pages():
    assert not list((ROOT / "pages").glob("*.py"))


def test_only_cached_uses_streamlit_caches():
    users = [p.name for p in ROOT.glob("pages/**/*.py") if "st.cache_" in p.read_text(encoding="utf-8")]
    assert users == ["cached.py"]


def test_importing_the_modules_of_the_app_imports_neither_litellm_nor_torch():
    modules = [
        "routing.router",
        "routing.figures",
        "routing.sweep",
        "routing.answer",
        "routing.local",
        "routing.__main__",
    ]
    code = f"import sys, {', '.join(modules)}; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500, "split this file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            doc = ast.get_docstring(node, clean=False)
            assert lines - (len(doc.splitlines()) if doc else 0) <= 60, f"{node.name} has {lines} lines"
