"""General-purpose helpers: files, text, times, CSV tables, zips."""
