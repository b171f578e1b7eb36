"""Folders and archives of image files, decoded once into a memory-mapped cache.

Inside of the room a file imports only from those before it: layout, arrangement, blocks, cache, image_options,
unreadable, decode_image, folder_source, decode_folder, zip_source, folder, pairs, single_files. A file that is not
named stands alone.
"""
