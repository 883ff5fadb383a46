"""What mkdocs is told beside `mkdocs.yml`: the order of the pages, and what of the repository they link to.

`docs/` is read on its own as well, so its pages link to files beside it. Those become part of the site, the README as a
page. Whatever would make a reader's browser ask another host is a warning, which `--strict` takes for an error.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.site")

TOP = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()((?!\w+:)[^)\s#]+)")
ASKED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\b(?:src|srcset|data)=[\"']?(?:https?:)?//"
    r"|<link\b(?![^>]*\brel=[\"']?(?:canonical|alternate))[^>]*\bhref=[\"']?(?:https?:)?//",
    re.IGNORECASE,
)
"""An element for which a browser asks a host of its own accord; a link that a person follows is none."""
OF_STYLE = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//", re.IGNORECASE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation is the list of `docs/index.md`, so that a page has one place to be entered."""
    config.nav = [{"Overview": "index.md"}, *sections((TOP / "docs" / "index.md").read_text("utf-8"))]
    return config


def sections(index: str) -> list[dict[str, list[dict[str, str]]]]:
    """The pages below each bold line of the index; the first word of what a link says begins with a capital."""
    found: list[dict[str, list[dict[str, str]]]] = []
    for part in re.split(r"^(?=\*\*)", index, flags=re.MULTILINE)[1:]:
        title = part.removeprefix("**").partition("**")[0]
        pages = re.findall(r"^- \[([^]]+)\]\(([^)#]+\.md)\)", part, re.MULTILINE)
        found.append({title: [{plain(name): posixpath.normpath(inside(path))} for name, path in pages]})
    return found


def plain(name: str) -> str:
    return name.replace("`", "")


def inside(path: str) -> str:
    """Where a path of the repository, seen from `docs/`, is in the site."""
    outside = path.removeprefix("../")
    return path if outside == path else f"repository/{outside}"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in what pages link to beside `docs/`, and what those link to in turn."""
    waiting = [file for file in files if file.is_documentation_page()]
    known = {file.src_uri for file in waiting}
    while waiting:
        for target in outside(waiting.pop()):
            uri = f"repository/{target}"
            if uri in known or not (TOP / target).is_file():
                continue  # a link that leads nowhere is told by mkdocs itself
            known.add(uri)
            content = (TOP / target).read_bytes()
            file = File.generated(config, uri, content=content.decode("utf-8") if uri.endswith(".md") else content)
            files.append(file)
            if file.is_documentation_page():
                waiting.append(file)
    return files


def outside(file: File) -> list[str]:
    """The paths, from the top of the repository, of what a page links to outside `docs/`."""
    home = source(file.src_uri)
    targets = [
        posixpath.normpath(posixpath.join(home, path)) for _, path in LINK.findall(FENCE.sub("", file.content_string))
    ]
    return [target for target in targets if not target.startswith(("docs/", "../"))]


def source(uri: str) -> str:
    """The folder of the repository in which a page of the site is written."""
    path = uri.removeprefix("repository/") if uri.startswith("repository/") else f"docs/{uri}"
    return posixpath.dirname(path)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of the repository as links of the site; what stands in a fenced block stays."""
    home = source(page.file.src_uri)

    def moved(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(home, found[2]))
        place = target.removeprefix("docs/") if target.startswith("docs/") else f"repository/{target}"
        return found[1] + posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or ".")

    parts = re.split(f"({FENCE.pattern})", markdown, flags=FENCE.flags)
    return "".join(part if part.startswith("```") else LINK.sub(moved, part) for part in parts)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    for found in ASKED.finditer(output):
        log.warning("%s asks another host: %s", page.file.src_uri, output[found.start() : found.end() + 40])
    return output


def on_post_build(config: MkDocsConfig) -> None:
    """Styles and drawings ask nobody either."""
    site = Path(config.site_dir)
    for path in (*site.rglob("*.css"), *site.rglob("*.svg")):
        if OF_STYLE.search(path.read_text("utf-8")):
            log.warning("%s asks another host", path.relative_to(site))
