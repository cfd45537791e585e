"""The network of the textbooks: one hidden layer of 128, ten classes."""

from torch import nn


def net(inputs: int = 64, hidden: int = 128, outputs: int = 10) -> nn.Module:
    """784 inputs for MNIST, 64 for the digits that scikit-learn brings."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
