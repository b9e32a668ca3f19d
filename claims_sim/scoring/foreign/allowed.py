"""Which paths a foreign scorer's process keeps: Python, the system's libraries, its own folder. Lists; restricts nothing."""

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SYSTEM: Final = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/alternatives",
    "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/sys/vm", "/sys/devices/system", "/sys/fs/cgroup", "/opt/homebrew",
)  # fmt: skip


def fenced_roots(search: Iterable[Path], hidden: Iterable[Path]) -> dict[str, list[str]]:
    """The folders that Python imports from and that hold something hidden, each with those of its entries that hold none.

    Such a folder cannot be allowed, not even to be listed: the process imports from a folder of links instead.
    """
    secret = {path.resolve() for path in hidden}
    roots = {p.resolve() for p in (*map(Path, filter(None, sys.path)), *search) if p.is_dir()}
    return {
        str(root): sorted(str(path) for path in _without(root, secret) if path.parent == root)
        for root in sorted(roots)
        if any(root in path.parents for path in secret)
    }


def readable_paths(search: Iterable[Path], files: Iterable[Path], hidden: Iterable[Path]) -> list[str]:
    """Files and folders that the process may read, none of which holds anything `hidden`."""
    ours = {
        Path(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *sys.path) if p
    }
    roots = {p.resolve() for p in (*ours, *search, *files, *map(Path, _SYSTEM)) if p.exists()}
    secret = {path.resolve() for path in hidden}
    found = {path for root in roots for path in _without(root, secret)}
    return sorted(map(str, found))


def _without(root: Path, secret: set[Path]) -> Iterator[Path]:
    """`root`, or, where something hidden lies in it, those of its entries in which nothing hidden lies."""
    if root in secret or any(path in root.parents for path in secret):
        return
    if not any(root in path.parents for path in secret):
        yield root
        return
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return
    for entry in entries:
        if not entry.is_symlink():  # what a link leads to is allowed, or not, by its own name
            yield from _without(entry, secret)
