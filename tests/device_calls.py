"""Calls of functions that are built from several primitives, with inputs, for tests on every device."""

import numpy as np

import minicnn
from minicnn import nn
from minicnn.nn import functional as F
from minicnn.runtime.devices import to_host

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 4, 6, 6)).astype(np.float32)
A = RNG.standard_normal((5, 4)).astype(np.float32)
P = (RNG.random((5, 4)) * 0.8 + 0.1).astype(np.float32)
LABELS = np.array([0, 3, 1, 2, 2])
ROWS = np.array([[2, 0, -1, 1], [-1, 0, 0, 0], [3, 3, 0, -1], [1, 2, 3, 0], [0, -1, 0, 0]])
SIGNS = np.sign(A)
SAMPLES = np.full((2, 4, 2), 0.4, np.float32)

ELEMENTWISE = (
    *("relu6", "hardswish", "hardsigmoid", "hardtanh", "mish", "selu", "celu", "softsign", "softshrink", "hardshrink"),
    *("tanhshrink", "rrelu", "glu"),
)

IN_PLACE = ("relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "rrelu")
CALLS = {
    "threshold": lambda x: F.threshold(x, 0.1, 2.0),
    "softmin": lambda x: F.softmin(x, 1),
    "prelu": lambda x, a: F.prelu(x, a[0]),
    "rrelu in training": lambda x: F.rrelu(x, 0.2, 0.2, True),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x, hard=True).sum(-1),
    "dropout1d": lambda x: F.dropout1d(x[0], 1.0),
    "dropout3d": lambda x: F.dropout3d(x[None], 1.0),
    "feature_alpha_dropout": lambda x: F.feature_alpha_dropout(x * 0, 0.5, True).abs().amax(),
    "alpha_dropout": lambda x: F.alpha_dropout(x * 0, 0.5, True).abs().amax(),
    "kl_div": lambda a, p: F.kl_div(a, p, reduction="batchmean"),
    "poisson_nll_loss": lambda a, p: F.poisson_nll_loss(a, p * 3, full=True),
    "gaussian_nll_loss": lambda a, p, s: F.gaussian_nll_loss(a, s, p),
    "margin_ranking_loss": lambda a, p, s: F.margin_ranking_loss(a, p, s),
    "hinge_embedding_loss": lambda a, s: F.hinge_embedding_loss(a, s),
    "soft_margin_loss": lambda a, s: F.soft_margin_loss(a, s),
    "multi_margin_loss": lambda a, labels, p: F.multi_margin_loss(a, labels, weight=p[0]),
    "multilabel_margin_loss": lambda a, rows: F.multilabel_margin_loss(a, rows),
    "multilabel_soft_margin_loss": lambda a, p: F.multilabel_soft_margin_loss(a, p),
    "cosine_embedding_loss": lambda a, p, s: F.cosine_embedding_loss(a, p, s[:, 0]),
    "triplet_margin_loss": lambda a, p, s: F.triplet_margin_loss(a, p, s, swap=True),
    "pairwise_distance": lambda a, p: F.pairwise_distance(a, p, 3.0),
    "cosine_similarity": lambda a, p: F.cosine_similarity(a, p[:, :1]),
    "pdist": lambda a: F.pdist(a, 3.0),
    "normalize": lambda a: F.normalize(a, 3.0),
    "triplet_margin_with_distance_loss": lambda a, p, s: F.triplet_margin_with_distance_loss(a, p, s),
    "mse_loss": lambda a, p: F.mse_loss(a, p),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (2, 4)),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x[0], 4),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x, (1, 2, 4)),
    "indices": lambda x: F.adaptive_max_pool2d(x, (2, 4), True)[1].float(),
    "fractional_max_pool2d": lambda x, samples: F.fractional_max_pool2d(x, 2, 3, _random_samples=samples),
    "fractional_max_pool3d": lambda x: F.fractional_max_pool3d(x[None] * 0, 1, 1),
    "max_unpool1d": lambda x: F.max_unpool1d(*F.max_pool1d(x[0], 2, return_indices=True), 2),
    "max_unpool3d": lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2),
    "max_unpool2d": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "lp_pool2d": lambda x: F.lp_pool2d(x.abs() + 1, 3.0, 2),
    "lp_pool1d": lambda x: F.lp_pool1d(x[0].abs() + 1, 3.0, 2),
    "lp_pool3d": lambda x: F.lp_pool3d(x.abs() + 1, 3.0, 2),
    "local_response_norm": lambda x: F.local_response_norm(x, 3, 1.0),
    "rms_norm": lambda x: F.rms_norm(x, (6,)),
    "batch_norm": lambda x: F.batch_norm(x + 9, None, None, training=True),
    "embedding": lambda a, labels: F.embedding(labels, a, 1, None, 2.0, True),
    "embedding with a limit": lambda a, labels: F.embedding(labels, a.detach().clone(), max_norm=1.0),
    "bilinear": lambda a, p, samples: F.bilinear(a[:4], p[:4, :2], samples.reshape(2, 4, 2)),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    **{f"{name}_": lambda x, name=name: getattr(F, f"{name}_")(x * 2) for name in IN_PLACE},
    "threshold_": lambda x: F.threshold_(x * 2, 0.1, 2.0),
    "upsample": lambda x: F.upsample(x, 3),
    "upsample_nearest": lambda x: F.upsample_nearest(x, 3),
    "upsample_bilinear": lambda x: F.upsample_bilinear(x, 3),
    "circular padding": lambda x: nn.CircularPad2d(1)(x),
}
INPUTS = {"x": X, "a": A, "p": P, "s": SIGNS, "labels": LABELS, "rows": ROWS, "samples": SAMPLES}


def run(name, place):
    """Return the result of a call, and the gradient of its first input."""
    call = CALLS.get(name) or (lambda x: getattr(F, name)(x))
    names = [n for n in call.__code__.co_varnames[: call.__code__.co_argcount] if n in INPUTS]
    inputs = [minicnn.tensor(INPUTS[n], device=place) for n in names]
    inputs[0].requires_grad_()
    y = call(*inputs)
    found = [y]
    if y.requires_grad:
        found += minicnn.autograd.grad((y * y).sum(), inputs[0])
    assert all(t.device is place for t in found)
    return [to_host(t.detach().array) for t in found]
