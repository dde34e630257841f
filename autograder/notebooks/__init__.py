"""Reading and writing notebooks (.ipynb) and the source text of their cells."""
