"""The documentation: reference pages agree with the code, links lead somewhere, commands that are shown exist."""

import re
import runpy
import shlex
from pathlib import Path

import pytest

from riskscore_pipelines.main import VERBS

LINK = re.compile(r"\[[^\]]+\]\(([^)#:]+)(?:#[^)]*)?\)")
SHELL = re.compile(r"```(?:sh|shell|console|bash)\n(.*?)```", re.DOTALL)


def pages(repository: Path) -> list[Path]:
    return [*sorted((repository / "docs").rglob("*.md")), repository / "README.md", repository / "CHANGELOG.md"]


def shown_commands(text: str) -> list[list[str]]:
    """Every `riskscore ...` line of the shell blocks, as words."""
    lines = [line.strip().removeprefix("$ ") for block in SHELL.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("riskscore ")]


def test_the_reference_pages_are_what_the_code_says(repository: Path, tmp_path: Path) -> None:
    written = runpy.run_path(str(repository / "docs" / "generate.py"))["write"](tmp_path)
    stale = [
        page.name for page in written if page.read_text("utf-8") != (repository / "docs/reference" / page.name).read_text("utf-8")
    ]

    assert stale == [], "run `make docs`"


def test_every_link_leads_to_a_file(repository: Path) -> None:
    broken = [
        f"{page.relative_to(repository)}: {target}"
        for page in pages(repository)
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_page_is_reached_from_the_index(repository: Path) -> None:
    reached, open_pages = set(), [repository / "docs" / "index.md"]
    while open_pages:
        page = open_pages.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        open_pages += [
            page.parent / target for target in LINK.findall(page.read_text("utf-8")) if (page.parent / target).is_file()
        ]
    lost = [
        str(page.relative_to(repository)) for page in sorted((repository / "docs").rglob("*.md")) if page.resolve() not in reached
    ]

    assert lost == []


def test_every_command_that_is_shown_exists_with_its_options(repository: Path) -> None:
    help_of = (repository / "docs/reference/cli.md").read_text("utf-8").split("\n## riskscore ")
    options = {part.split()[0]: set(re.findall(r"(--[a-z][a-z-]*)", part)) for part in help_of[1:]}
    wrong = []
    for page in pages(repository):
        for _, verb, *words in shown_commands(page.read_text("utf-8")):
            used = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help", "--debug"}
            if verb not in VERBS and not verb.startswith("--"):
                wrong.append(f"{page.name}: {verb}")
            elif strangers := used - options.get(verb, used):
                wrong.append(f"{page.name}: {verb} {' '.join(sorted(strangers))}")

    assert wrong == []


@pytest.mark.parametrize("language", ["English", "中文"])
def test_the_glossary_has_both_languages(repository: Path, language: str) -> None:
    rows = [
        line.split("|")[1:4] for line in (repository / "docs/glossary.md").read_text("utf-8").splitlines() if line.startswith("|")
    ]
    column = [cell.strip() for cell in rows[0]].index(language)

    assert all(row[column].strip() for row in rows)
    assert len(rows) > 30


def test_a_planted_wrong_command_is_seen() -> None:
    assert shown_commands("```sh\nriskscore scoer --ot x  # no\n```") == [["riskscore", "scoer", "--ot", "x"]]
