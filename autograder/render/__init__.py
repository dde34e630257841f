"""Rendering of results for terminals, web pages and CSV."""
