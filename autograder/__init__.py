"""MNIST Lab Kit: auto-graded first lessons in deep learning."""

__version__ = "0.1.0"
