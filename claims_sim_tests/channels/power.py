"""A disk that forgets: what a folder's writer did not sync is lost, cut or filled with zeros when the power goes.

Files are real; the layer only sees what is synced, and at the cut it writes the folder anew as the disk may have kept it:
of each file what was synced, and any part of the rest; of names that were not synced, the old or the new.
"""

import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from claims_sim.channels import jsonl_writer


class PowerCutError(BaseException):
    """The machine stops here."""


class Disk:
    """What of `folder` is safe. `before_sync` may raise PowerCutError, or look around; `cut` is the moment after, once."""

    def __init__(self, folder: Path, before_sync: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.before_sync = before_sync
        self._content: dict[int, bytes] = {}  # by inode
        self._held: dict[int, int] = {}  # open, so that no other file gets the inode's number
        self._names: dict[str, int] = {}
        for name, inode in self._listed().items():
            self._names[name] = inode
            self._keep(name, inode)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let every sync of the channel's writer pass through here."""
        real = {"fsync": os.fsync, "_sync": jsonl_writer._sync}

        def through(name: str) -> Callable[[int], None]:
            def sync(fd: int) -> None:
                self.before_sync()
                real[name](fd)
                self._note(fd)

            return sync

        with (
            patch.object(jsonl_writer.os, "fsync", through("fsync")),
            patch.object(jsonl_writer, "_sync", through("_sync")),
        ):
            yield

    def cut(self, rng: random.Random) -> None:
        """Leave what the disk may have kept."""
        now = {name: (inode, (self.folder / name).read_bytes()) for name, inode in self._listed().items()}
        kept: dict[str, bytes] = {}
        for name in now.keys() | self._names.keys():
            may_be = []
            if name in now:
                may_be.append(self._torn(*now[name], rng))
            if self._names.get(name) != now.get(name, (None,))[0]:  # made, replaced or removed, and not synced
                may_be.append(self._content.get(self._names[name], b"") if name in self._names else None)
            chosen = rng.choice(may_be) if may_be else None
            if chosen is not None:
                kept[name] = chosen
        for fd in self._held.values():
            os.close(fd)
        for name in now:
            (self.folder / name).unlink()
        for name, content in kept.items():
            (self.folder / name).write_bytes(content)

    def _torn(self, inode: int, content: bytes, rng: random.Random) -> bytes:
        safe = self._content.get(inode, b"")
        if not content.startswith(safe):
            return rng.choice([safe, content])
        whole = content[: rng.randint(len(safe), len(content))]
        zeros = rng.randint(0, len(whole) - len(safe)) if rng.random() < 0.3 else 0
        return whole[: len(whole) - zeros] + b"\0" * zeros

    def _note(self, fd: int) -> None:
        found = os.fstat(fd)
        listed = self._listed()
        if stat.S_ISDIR(found.st_mode):
            self._names = listed
        else:
            names = [name for name, inode in listed.items() if inode == found.st_ino]
            if names:
                self._keep(names[0], found.st_ino)

    def _keep(self, name: str, inode: int) -> None:
        path = self.folder / name
        if inode not in self._held:
            self._held[inode] = os.open(path, os.O_RDONLY)
        self._content[inode] = path.read_bytes()

    def _listed(self) -> dict[str, int]:
        # A lock file holds nothing.
        return {p.name: p.stat().st_ino for p in self.folder.iterdir() if p.is_file() and p.suffix != ".lock"}
