"""What a wheel holds, and which layers the code may have."""

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
def test_the_wheel_holds_templates_migrations_and_data(pytestconfig, tmp_path):
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--wheel",
        "--quiet",
        "--out-dir",
        str(tmp_path),
        str(pytestconfig.rootpath),
    ]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "claims_sim_prompts/v1/choice.en.j2",
        "claims_sim_prompts/v1/manifest.toml",
        "claims_sim/codes/icd9cm.csv",
    ):
        assert name in names
    assert any(name.startswith("claims_sim/store/migrations/0001") for name in names)
    assert not any(name.startswith("claims_sim_tests") for name in names)
