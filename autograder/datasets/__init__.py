"""MNIST: sources, verification, cache, and serving it to Keras."""
