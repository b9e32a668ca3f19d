"""The documentation: reference pages follow the code, and the site builds with every link in place."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def reference():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import reference_docs
    finally:
        sys.path.pop(0)
    return reference_docs


@pytest.mark.parametrize("page", ["cli", "api"])
def test_reference_pages_are_those_of_the_code(reference, page):
    text = {"cli": reference.commands, "api": reference.api}[page]()
    assert text == (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), "run scripts/reference_docs.py"


def test_the_api_page_describes_the_body_of_a_request_with_its_bounds(reference):
    section = reference.api().split("## POST /simulate/claims")[1].split("\n## ")[0]
    count = next(line for line in section.splitlines() if line.startswith("| `count` | integer |"))
    assert "from 1 to 10,000" in count
    assert "| `clock` | `admission`, `intake`, `history` |" in section


@pytest.mark.parametrize("page", ["commands", "api"])
def test_reference_pages_keep_sentences_and_examples_apart(reference, page):
    lines = getattr(reference, page)().splitlines()
    assert not [line for line in lines if "?." in line or (line.startswith("claims-sim") and "Example" in line)]


def test_the_site_builds_without_a_broken_link(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
