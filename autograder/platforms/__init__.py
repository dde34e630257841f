"""Canvas, Moodle and Gradescope: read downloads, write gradebooks and results."""
