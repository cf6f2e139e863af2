"""What the documents name exists: files, anchors, modules, commands and make targets."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import realmix

ROOT = Path(__file__).parents[1]
FOLDERS = ("flows", "tasks", "expectations", "infra", "tests")
MOST_README_LINES = 140
# A block: its language, the rest of the line (a file's name, or nothing) and its text.
FENCE = re.compile(r"^ *```([^\s`]*)([^\n`]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
# Events, and groups of entry points, are called after the package and are no modules of it.
NO_MODULES = {
    "realmix.data.arrived",
    "realmix.synthesizers",
    "realmix.models",
    "realmix.metrics",
    "realmix.sources",
    "realmix.teachers",
}


@functools.cache
def documents() -> tuple[Path, ...]:
    """Markdown files that are tracked or about to be, without those of environments and results."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return tuple(path for name in listed if (path := ROOT / name).exists())


every_document = pytest.mark.parametrize(
    "document", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in documents()]
)


@functools.cache
def text_of(document: Path) -> str:
    """A document's text."""
    return document.read_text(encoding="utf-8")


def prose(document: Path) -> str:
    """A document without its code blocks."""
    return FENCE.sub("", text_of(document))


def inline_code(document: Path) -> list[str]:
    """What stands in backticks within the prose."""
    return [code.strip() for _, code in INLINE_CODE.findall(prose(document))]


def command_lines(document: Path) -> Iterator[str]:
    """Inline code, and the lines of code blocks, without their comments."""
    yield from inline_code(document)
    for _, _, block in FENCE.findall(text_of(document)):
        for line in block.splitlines():
            yield from re.split(r" && |; ", line.partition("#")[0].strip())


@functools.cache
def anchors(document: Path) -> frozenset[str]:
    """Anchors of a document's headings, as GitHub makes them."""
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(prose(document)))
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def make_targets() -> set[str]:
    """Targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def is_there(name: str) -> bool:
    """Whether ``realmix.…`` is a public name, a module, or something in one."""
    parts = re.split(r"[.:]", name)[1:]
    if parts == [each for each in realmix.__all__ if each == parts[0]]:
        return True
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            found = parts[length:]
            return not found or hasattr(import_module(".".join(["realmix", *parts[:length]])), found[0])
    return False


def test_the_readme_stays_short():
    assert len(text_of(ROOT / "README.md").splitlines()) <= MOST_README_LINES


def test_the_readme_leads_to_every_other_one():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        document = todo.pop()
        if document in reached:
            continue
        reached.add(document)
        targets = (link.partition("#")[0] for link in LINK.findall(prose(document)) if "://" not in link)
        todo += [found for name in targets if (found := (document.parent / name).resolve()).suffix == ".md"]
    assert not set(documents()) - reached


@every_document
def test_links_lead_somewhere(document):
    lost = []
    for link in LINK.findall(prose(document)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@every_document
def test_paths_in_backticks_exist(document):
    path = re.compile(rf"(?:\./)?((?:{'|'.join(FOLDERS)})/[\w./-]*)(?::\w+)?")
    named = (found[1] for code in inline_code(document) if (found := path.fullmatch(code)))
    assert not [name for name in named if not (ROOT / name).exists()]


@every_document
def test_modules_in_backticks_exist(document):
    named = {code for code in inline_code(document) if re.fullmatch(r"realmix(\.\w+)+(:\w+)?", code)}
    assert not [name for name in sorted(named - NO_MODULES) if not is_there(name)]


@every_document
def test_commands_are_commands_of_the_program(document):
    from realmix.flows.terminal.cli import app

    asked = (re.match(r"(?:\.venv/bin/)?realmix ([a-z]+)\b", line) for line in command_lines(document))
    assert not {found[1] for found in asked if found} - set(app)


@every_document
def test_make_targets_are_in_the_makefile(document):
    asked = (re.fullmatch(r"make ([a-z][a-z -]*)", line) for line in command_lines(document))
    assert not {target for found in asked if found for target in found[1].split()} - make_targets()


@every_document
def test_python_and_yaml_blocks_can_be_read(document):
    for language, _, block in FENCE.findall(text_of(document)):
        if language == "python":
            ast.parse(block)
        if language == "yaml":
            yaml.safe_load(block)


def test_hooks_run_what_is_installed():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    for hook in hooks[0]["hooks"]:
        assert hook["language"] == "system" and hook["entry"].startswith(".venv/bin/")
