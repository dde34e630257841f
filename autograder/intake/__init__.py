"""Convert files, folders and zips to submissions."""
