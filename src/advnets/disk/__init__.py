"""Files on disk: folders that are held open and written whole, and files that are read without waiting.

Each file stands alone.
"""

from advnets.disk.held_folder import HAS_HANDLES, Content, Folder, sync_folder, temporary_name
from advnets.disk.regular_files import expect_regular, open_regular_file

__all__ = ["Content", "Folder", "HAS_HANDLES", "expect_regular", "open_regular_file", "sync_folder", "temporary_name"]
