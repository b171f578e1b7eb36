"""Files on disk: folders that are held open and written whole, and files that are read without waiting.

Inside of the room a file imports only from those before it: file_content, held_folder, regular_files.
"""

from advnets.disk.file_content import Content, temporary_name
from advnets.disk.held_folder import HAS_HANDLES, Folder, sync_folder
from advnets.disk.regular_files import expect_regular, open_regular_file

__all__ = ["Content", "Folder", "HAS_HANDLES", "expect_regular", "open_regular_file", "sync_folder", "temporary_name"]
