"""Canvas, Moodle and Gradescope: their downloads in, their gradebooks and results out."""
