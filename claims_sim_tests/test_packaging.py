"""What a wheel holds, and which layers the code may have."""

import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest


def test_every_package_folder_is_in_the_list_of_packages(pytestconfig):
    root = pytestconfig.rootpath
    listed = set(tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {".".join(init.parent.relative_to(root).parts) for init in (root / "claims_sim").rglob("__init__.py")}
    assert listed == there | {"claims_sim_prompts"}


def test_the_lock_file_names_no_registry(pytestconfig):
    text = (pytestconfig.rootpath / "requirements.lock").read_text()
    assert "://" not in text
    assert "--hash=sha256:" in text


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(pytestconfig, tmp_path):
    root = pytestconfig.rootpath
    # From a copy: the build walks and writes its whole source tree, in which other tests come and go beside it.
    source = tmp_path / "source"
    for folder in ("claims_sim", "prompts"):
        shutil.copytree(root / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(root / name, source / name)
    # By pip, which knows the machine's own mirrors and certificates.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    there = {path.relative_to(root).as_posix() for path in (root / "claims_sim").rglob("*") if path.is_file()}
    wanted = {name for name in there if "__pycache__" not in name}
    wanted |= {
        f"claims_sim_prompts/{path.relative_to(root / 'prompts').as_posix()}"
        for path in (root / "prompts").rglob("*.*")
    }
    assert {
        "claims_sim/api/page/index.html",
        "claims_sim/api/page/vendor/preact.js",
        "claims_sim/codes/icd9cm.csv",
    } < wanted
    assert {name for name in wanted - names if "__pycache__" not in name} == set()
    assert not any(name.startswith("claims_sim_tests") for name in names)
