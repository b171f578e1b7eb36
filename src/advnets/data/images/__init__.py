"""Folders and archives of image files, decoded once into a memory-mapped cache.

The order of the files, lowest first: image_options, decode_image, folder_source, zip_source, arrangement, cache,
decode_folder, folder; duplicates stands apart.

Inside of the room a file imports only from those before it: arrangement, blocks, cache, image_options, decode_image,
folder_source, decode_folder, zip_source, folder. A file that is not named stands alone.
"""
