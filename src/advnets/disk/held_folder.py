"""Folders that are held open: what is done in one reaches it wherever it is moved to, and follows no link.

A path says where a folder was, and another may lie there a moment later. So a folder is opened once, and its files are
named within it (POSIX `openat`). Windows has no such calls: it uses a path that was compared with the open folder. A
file is written under a temporary name, forced to the disk, and given its name: it is there whole or not at all.
"""

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from advnets.disk.file_content import Content, fill_file, temporary_name
from advnets.errors import BadInput

if sys.platform != "win32":
    import fcntl

HAS_HANDLES = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
"""Whether files can be named within an open folder."""
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""Errors of a file system without hard links."""
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every file that is opened within a folder: a link is an error, and a pipe does not wait."""


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, where the platform can.

    Args:
        folder: The folder.
    """
    with Folder.open(folder) as held:
        held.sync()


class Folder:
    """A folder that is held open. Use `Folder.open`, and close it, or use it in a `with`.

    Args:
        descriptor: The open folder; None where there are no handles.

    Attributes:
        path: Where it was when it was opened.
        identity: Device and number of the folder, which no other has as long as it is held.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        found = os.stat(path if descriptor is None else descriptor)
        self.path, self.identity = path, (found.st_dev, found.st_ino)
        self._descriptor = descriptor

    @staticmethod
    def open(path: Path) -> "Folder":
        """Open a folder by its path, whose links are followed.

        Args:
            path: The folder.

        Returns:
            The folder.

        Raises:
            OSError: If it is not there, is no folder, or cannot be read.
        """
        if not HAS_HANDLES:
            if not path.is_dir():
                code = errno.ENOTDIR if path.exists() else errno.ENOENT
                raise OSError(code, os.strerror(code), str(path))
            return Folder(path, None)
        return Folder(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the folder go; a lock on it is free."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def is_in_place(self) -> bool:
        """Whether the path still leads to this folder."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    @property
    def place(self) -> Path:
        """Where the folder is now, as far as the system says it (Linux); else where it was when it was opened."""
        if self._descriptor is not None and not self.is_in_place:
            with contextlib.suppress(OSError):
                return Path(os.readlink(f"/proc/self/fd/{self._descriptor}"))
        return self.path

    def lock(self) -> bool:
        """Lock the folder itself, until it is closed or its holder dies; no file has to be there, or can be taken away.

        Returns:
            False if it is locked already; True if it is locked now, or cannot be: on Windows, and on some file systems.
        """
        if sys.platform != "win32" and self._descriptor is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:  # a file system of a network, which locks files that are open for writing only
                return True
        return True

    def names(self) -> list[str]:
        """Return the names in the folder.

        Returns:
            The names, in no order.
        """
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """Return what the system knows of a file, folder or link, by its name (see `folder`).

        Returns:
            Its status; None if there is none.
        """
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def refuse_links(self, *names: str) -> None:
        """Refuse links, as `folder` does, for what is written there would land elsewhere.

        Args:
            names: Names in this folder; nothing need be there.
        """
        for name in names:
            found = self.status(name)
            if found is not None and stat.S_ISLNK(found.st_mode):
                raise BadInput(
                    f"{self.path / name} is a link, expected a file or folder of its own: what is written there would "
                    "land elsewhere. Remove the link, and put what it leads to in its place."
                )

    def has_folder(self, name: str) -> bool:
        """Return whether a name, as `folder` takes it, is that of a folder within this one.

        Returns:
            True if it is; False for a link to one.
        """
        found = self.status(name)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def folder(self, name: str, *, make: bool = False) -> "Folder":
        """Open a folder within this one.

        Args:
            name: Its name.
            make: Whether it is made where it is missing.

        Returns:
            The folder.

        Raises:
            BadInput: If it is a link.
            OSError: If it is not there, is no folder, or cannot be read.
        """
        self.refuse_links(name)
        if make and self.status(name) is None:
            self.make_folder(name)
            self.sync()
        if self._descriptor is None:
            return Folder.open(self.path / name)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        return Folder(self.path / name, os.open(name, flags, dir_fd=self._descriptor))

    def make_folder(self, name: str) -> None:
        """Make a folder within this one, as `folder` does, unless it is there."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._at(name), dir_fd=self._descriptor)

    def open_file(self, name: str) -> BinaryIO:
        """Open a regular file for reading.

        Args:
            name: Its name.

        Returns:
            The file, which the caller closes.

        Raises:
            OSError: If it is not there, or not a regular file: a device or a pipe has no end, and a link leads away.
        """
        found = self.status(name)
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(self.path / name))
        return os.fdopen(self._open(name, os.O_RDONLY), "rb")

    def read(self, name: str) -> bytes:
        """Return the bytes of a regular file; see `open_file`, whose errors it raises.

        Returns:
            The bytes.
        """
        with self.open_file(name) as file:
            return file.read()

    def write(self, name: str, content: Content) -> None:
        """Write a file whole or not at all, in place of a former one.

        Args:
            name: Its name. A link of that name is replaced, and what it leads to is untouched.
            content: Its content.

        Raises:
            OSError: If the disk fails or is full.
        """
        with self._temporary_file(content) as temporary:
            self.rename(temporary, name)
        self.sync()

    def write_new(self, name: str, content: Content) -> None:
        """Write a file whole or not at all, as `write` does, and never over another; on Linux a kill leaves nothing.

        Raises:
            FileExistsError: If something of that name is there, be it since this call began.
            OSError: If the disk fails or is full.
        """
        if self.status(name) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path / name))
        if not self._write_nameless(name, content):
            with self._temporary_file(content) as temporary:
                self.rename_new(temporary, name)
        self.sync()

    def create(self, name: str, content: Content, *, force: bool = True) -> None:
        """Write a new file, as `write` does, into a folder without a name of its own yet, which nobody sees.

        Args:
            name: Its name, which nothing has.
            content: Its content.
            force: Whether it is forced to the disk.
        """
        with os.fdopen(self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL), "w+b") as file:
            fill_file(file, content, force=force)

    def append(self, name: str, line: bytes) -> None:
        """Add a line to a file, by one call of the system.

        Args:
            name: Its name; it is made where it is missing. A file with a second name elsewhere, as copies by hard links
                have, is copied first, so that the other stays as it is.
            line: The line.

        Raises:
            OSError: If the disk fails or is full, or the file is not a regular one.
        """
        found = self.status(name)
        if found is not None and found.st_nlink > 1 and stat.S_ISREG(found.st_mode):
            with self.open_file(name) as former:
                self.write(name, lambda file: shutil.copyfileobj(former, file))
        with os.fdopen(self._open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", str(self.path / name))
            if os.write(file.fileno(), line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def overwrite(self, name: str, content: bytes) -> None:
        """Write over the bytes of a small file that is there, and raise OSError as `write` does, or if it is not."""
        with os.fdopen(self._open(name, os.O_WRONLY), "wb", buffering=0) as file:
            if file.write(content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            file.truncate()

    def sync_file(self, name: str) -> None:
        """Force a file to the disk, and its name; it is made, as `append` does, where it is missing."""
        descriptor = self._open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.sync()

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name, as `rename_new` does, but in place of what has it."""
        change = os.rename if self.has_folder(old) else os.replace
        change(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def rename_new(self, old: str, new: str, within: "Folder | None" = None) -> None:
        """Give a file another name that nothing has.

        Args:
            old: Its name.
            new: The new one.
            within: The folder of the new name; None for this one.

        Raises:
            FileExistsError: If something has the name.
            OSError: If the disk fails.
        """
        to = within or self
        if sys.platform == "win32":
            os.rename(self._at(old), to._at(new))  # which never replaces
            return
        try:
            os.link(self._at(old), to._at(new), src_dir_fd=self._descriptor, dst_dir_fd=to._descriptor)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            # A file system without hard links: an empty file takes the name first.
            os.close(to._open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            os.replace(self._at(old), to._at(new), src_dir_fd=self._descriptor, dst_dir_fd=to._descriptor)
            return
        os.unlink(self._at(old), dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, a link, or a folder with all that is in it; what a link leads to is untouched.

        Args:
            name: Its name.

        Raises:
            OSError: If it cannot be removed, or is not there.
        """
        if not self.has_folder(name):
            os.unlink(self._at(name), dir_fd=self._descriptor)
        elif self._descriptor is None or not shutil.rmtree.avoids_symlink_attacks:
            shutil.rmtree(self.path / name)
        else:
            shutil.rmtree(name, dir_fd=self._descriptor)

    def remove_empty_folder(self, name: str) -> None:
        """Remove a folder, as `remove` does, if it is empty, and raise OSError if it is not."""
        os.rmdir(self._at(name), dir_fd=self._descriptor)

    def remove_leftovers(self) -> None:
        """Remove what writers that were killed left behind; folders within are not searched."""
        for name in self.names():
            if name.startswith(".tmp-"):
                with contextlib.suppress(OSError):
                    self.remove(name)

    def sync(self) -> None:
        """Force the list of names to the disk, where the platform can."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    @contextlib.contextmanager
    def _temporary_file(self, content: Content) -> Iterator[str]:
        """A file under a temporary name, forced to the disk; it is removed unless the name is given away."""
        temporary = temporary_name()
        try:
            self.create(temporary, content)
            yield temporary
        except BaseException:
            with contextlib.suppress(OSError):  # a disk that has become read-only
                self.remove(temporary)
            raise

    def _write_nameless(self, name: str, content: Content) -> bool:
        """Write a file that has no name before it is whole; False where the system cannot."""
        if self._descriptor is None or not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
            return False
        try:
            descriptor = os.open(".", os.O_RDWR | os.O_TMPFILE, 0o666, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
                return False  # the file system has no nameless files
            raise
        with os.fdopen(descriptor, "w+b") as file:
            fill_file(file, content)
            try:
                os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=self._descriptor)
            except OSError as error:
                if error.errno in NO_LINKS:
                    return False
                raise
        return True

    def _open(self, name: str, flags: int) -> int:
        return os.open(self._at(name), flags | NO_FOLLOW, 0o666, dir_fd=self._descriptor)

    def _at(self, name: str) -> str:
        """What a call of the system is given for a name: the name, or a path that still leads here."""
        if self._descriptor is not None:
            return name
        if not self.is_in_place:
            raise OSError(errno.ESTALE, "it was moved away or replaced", str(self.path))
        return str(self.path / name)
