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


def test_the_site_builds_without_a_broken_link(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
