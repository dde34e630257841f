"""Turn files, folders and zips into submissions."""
