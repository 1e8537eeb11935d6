"""The training data of generator_listing.py: the same for both libraries, from NumPy's legacy RandomState."""

import numpy as np

SHAPES = {
    "conv1.weight": (32, 3, 3, 3),
    "conv1.bias": (32,),
    "conv2.weight": (64, 32, 3, 3),
    "conv2.bias": (64,),
    "fc1.weight": (128, 4096),
    "fc1.bias": (128,),
    "fc2.weight": (784, 128),
    "fc2.bias": (784,),
}
EPOCHS = 100


def problem(samples=32):
    """Return weights in PyTorch's default range, inputs (targets with noise), and smooth targets."""
    rng = np.random.RandomState(2026)
    weights = {}
    for layer in ("conv1", "conv2", "fc1", "fc2"):
        shape = SHAPES[f"{layer}.weight"]
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        weights[f"{layer}.weight"] = rng.uniform(-bound, bound, shape).astype(np.float32)
        weights[f"{layer}.bias"] = rng.uniform(-bound, bound, shape[:1]).astype(np.float32)
    y, x = np.mgrid[:32, :32] / 32
    frequency = rng.uniform(1, 9, (2, samples, 1, 1))
    picture = np.sin(frequency[0] * x + frequency[1] * y)
    data = picture[:, None] + 0.2 * rng.normal(size=(samples, 3, 32, 32))
    return weights, data.astype(np.float32), picture[:, 2:30, 2:30].reshape(samples, 784).astype(np.float32)
