"""MNIST: download sources, verification, cache, and serving it to Keras."""
