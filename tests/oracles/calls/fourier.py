"""Discrete Fourier transforms: values, arguments, gradients of first and second order."""

__all__ = ["CALLS", "START"]

START = """
t, fft = torch.tensor, torch.fft
z = t([1 + 2j, -3 + 0.5j, 0.5 - 1j, 2j])
w = t([[2 - 1j, 0.25j, -1 + 1j], [1 + 1j, 3 + 0j, -2 - 2j]])
r = t([1.0, -2.0, 0.5, 4.0, 3.0])
a = torch.arange(12.0).reshape(3, 4) ** 1.5 - 5
b = torch.sin(torch.arange(24.0)).reshape(2, 3, 4)
d, n, h = a.double(), t([1, 2, 4]), r.half()
x = r.double().requires_grad_()
y = z.to(torch.complex128).requires_grad_()
p = d.clone().requires_grad_()
q = w.to(torch.complex128).requires_grad_()

def g(out, *inputs):
    loss = (out.abs() ** 2).sum() + (out * (0.5 - 0.25j)).real.sum() + (out.abs() ** 4).sum() / 100
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    total = sum((f.abs() ** 2).sum() for f in first)
    return out, first, torch.autograd.grad(total, inputs)
"""

NAMES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
_ONE = [
    f"fft.{name}({argument})"
    for name in NAMES
    for argument in (
        "r",
        "z",
        "a",
        "w",
        "r, 8",
        "r, 3",
        "r, 1",
        "z, n=6",
        "z, 3",
        "a, dim=0",
        "a, 2, 0",
        "b, None, 1",
        "r, norm='ortho'",
        "r, norm='forward'",
        "r, norm='backward'",
        "z, norm='ortho'",
        "z, 5, norm='forward'",
        "d",
        "n",
        "r, norm='none'",
        "r, 0",
        "t(1.0)",
        "a.T",
        "a.flip(0)[:, ::2]",
    )
]
_MANY = [
    f"fft.{name}{suffix}({argument})"
    for name in NAMES
    for suffix in ("2", "n")
    for argument in (
        "a",
        "b",
        "w",
        "a, (2, 6)",
        "a, s=(5, 3)",
        "b, dim=(0, 2)",
        "b, (2, 2), (1, 0)",
        "a, norm='ortho'",
        "w, norm='forward'",
        "a, dim=(0, 0)",
        "r",
        "b, (4,), (0, 1)",
        "a, (-1, 3)",
        "a, dim=1",
        "b, s=(3, 3)",
    )
]
_GRADIENTS = [
    "g(fft.fft(x), x)",
    "g(fft.fft(y), y)",
    "g(fft.fft(y, 6, norm='ortho'), y)",
    "g(fft.fft(y, 3), y)",
    "g(fft.ifft(y), y)",
    "g(fft.ifft(x, norm='forward'), x)",
    "g(fft.rfft(x), x)",
    "g(fft.rfft(x, 8), x)",
    "g(fft.rfft(x, 4, norm='ortho'), x)",
    "g(fft.irfft(y), y)",
    "g(fft.irfft(y, 7), y)",
    "g(fft.irfft(y, 5), y)",
    "g(fft.irfft(y, 4, norm='ortho'), y)",
    "g(fft.irfft(x, 5), x)",
    "g(fft.hfft(y), y)",
    "g(fft.hfft(y, 5), y)",
    "g(fft.ihfft(x), x)",
    "g(fft.fft2(p), p)",
    "g(fft.fft2(q), q)",
    "g(fft.ifft2(q, norm='ortho'), q)",
    "g(fft.rfft2(p), p)",
    "g(fft.irfft2(q), q)",
    "g(fft.irfft2(q, (3, 3)), q)",
    "g(fft.fftn(p, dim=(0,)), p)",
    "g(fft.rfftn(p, (2, 3)), p)",
    "g(fft.irfftn(q, dim=(1, 0)), q)",
    "g(fft.ifft2(fft.fft2(p) * fft.fft2(p.detach() ** 2)).real, p)",
    "g(fft.fftshift(fft.fft2(p)), p)",
]
CALLS = (
    *_ONE,
    *_MANY,
    *_GRADIENTS,
    *(
        f"torch.{name}_window({arguments})"
        for name in ("hann", "hamming", "blackman", "bartlett", "kaiser")
        for arguments in (
            "7",
            "8",
            "8, False",
            "5, periodic=False, dtype=torch.float64",
            "1",
            "0",
            "2",
            "2, False",
            "-1",
        )
    ),
    "torch.hamming_window(6, True, 0.5, 0.4)",
    "torch.kaiser_window(6, True, 3.0)",
    "torch.kaiser_window(7, periodic=False, beta=0.5)",
    "torch.hann_window(4, dtype=torch.int64)",
    "torch.hann_window(4, requires_grad=True).requires_grad",
    "fft.fft(z, n=-1)",
    "fft.fftfreq(5)",
    "fft.fftfreq(4, 0.5)",
    "fft.fftfreq(4, d=2, dtype=torch.float64)",
    "fft.rfftfreq(5)",
    "fft.rfftfreq(4, 0.25)",
    "fft.fftshift(r)",
    "fft.fftshift(a)",
    "fft.fftshift(a, 1)",
    "fft.fftshift(b, (0, 2))",
    "fft.ifftshift(r)",
    "fft.ifftshift(a)",
    "fft.ifftshift(a, dim=0)",
    "fft.ifftshift(fft.fftshift(b))",
    "fft.fft(h)",
    "fft.fft(torch.zeros(0))",
    "fft.irfft(torch.zeros(1, dtype=torch.complex64))",
    "fft.fftn(t(2.0))",
    "fft.fft(x).requires_grad",
)
