"""Read and write notebooks (.ipynb) and analyse the source of their cells."""
