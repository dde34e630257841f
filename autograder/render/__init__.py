"""Results as terminal text, HTML and CSV."""
