"""Sphinx: the Markdown files of the repository as one site, with the references of commands and code.

The pages stay where they are, beside the code that they describe; the navigation is the index at the end of the README.
"""

import re
import sys
from importlib import metadata

from sphinx.application import Sphinx

# Usage lines of the commands begin with the name of the running program.
sys.argv[0] = "realmix"
project = "realmix"
release = metadata.version("realmix")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "cyclopts.ext.sphinx"]
root_doc = "README"
include_patterns = [
    "README.md",
    ".github/*.md",
    "flows/**.md",
    "tasks/**.md",
    "expectations/**.md",
    "infra/**.md",
    "tests/**.md",
]
# "--out" stays "--out".
smartquotes = False
myst_heading_anchors = 4
# A link to a file that is no page (a schema, a table of results) has no target here; tests/test_documents.py checks it.
suppress_warnings = ["myst.xref_missing", "myst.header"]
autodoc_typehints = "none"
html_theme = "furo"
html_title = "realmix"
html_extra_path = ["index.html"]
# One group of pages: "**Learn**: [First table](flows/terminal/first_table.md), …", up to an empty line.
GROUP = re.compile(r"^\*\*(\w[\w ]*)\*\*:(.*?)(?=^\*\*|^$|\Z)", re.MULTILINE | re.DOTALL)
PAGE = re.compile(r"\[([^\]]+)\]\(([\w./-]+)\.md(?:#[\w-]+)?\)")


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Repeat the index of the README as Sphinx's navigation; pages of results are reached by links alone."""
    if "/results/" in name:
        source[0] = f"---\norphan: true\n---\n{source[0]}"
    if name != root_doc:
        return
    for title, links in GROUP.findall(source[0]):
        pages = "\n".join(f"{text} </{page}>" for text, page in PAGE.findall(" ".join(links.split())))
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{pages}\n```\n"


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("source-read", add_navigation)
