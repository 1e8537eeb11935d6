"""Short-time Fourier transforms and their inverses: values, arguments, mistakes, gradients of both orders."""

__all__ = ["CALLS", "START"]

START = """
x = torch.sin(torch.arange(20.0) ** 1.5)
b = torch.stack([x, torch.cos(torch.arange(20.0))])
z = torch.complex(x, b[1])
w, v = torch.hann_window(8), torch.hamming_window(5)
wc = torch.complex(w, w.flip(0) / 2)

def stft(x, n=8, **options):
    return torch.stft(x, n, **{"window": w, "return_complex": True, **options})

s, sb, sz = stft(x), stft(b), stft(z)

def back(s, n=8, **options):
    return torch.istft(s, n, **{"window": w, **options})

def of(function, *inputs):
    inputs = [t.to(torch.complex128 if t.is_complex() else torch.float64).requires_grad_() for t in inputs]
    y = function(*inputs)
    size = (y * y.conj()).real
    loss = size.sum() / 40 + (y * (0.05 - 0.025j)).real.sum() + (size**2).sum() / 10_000
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    return y, first, torch.autograd.grad(sum((f * f.conj()).real.sum() for f in first), inputs)
"""

CALLS = tuple(
    """
stft(x), stft(b), stft(z), x.stft(8, window=w, return_complex=True)
torch.stft(x, 8, return_complex=True), torch.stft(x, 8, return_complex=False), torch.stft(z, 8)
torch.stft(z, 8, return_complex=False), torch.stft(x, 8, window=wc)
torch.stft(x, 8, 3, 5, v, return_complex=True)
stft(x, hop_length=3), stft(x, hop_length=1), stft(x, hop_length=30)
stft(x, 9, window=None, win_length=4), stft(x, 5, window=v), stft(x, 11, win_length=5, window=v)
stft(x, pad_mode="constant"), stft(x, pad_mode="replicate"), stft(x, pad_mode="circular")
stft(x, center=False), stft(x, center=False, pad_mode="what"), stft(x, 20, window=None, center=False)
stft(x, normalized=True), stft(x, onesided=False), stft(x, onesided=True)
stft(z, onesided=False), stft(x, window=wc, onesided=False)
stft(x, center=False, align_to_window=True), stft(x, center=False, align_to_window=False)
stft(x, win_length=5, window=v, center=False, align_to_window=True)
stft(x, win_length=5, window=v, center=False, align_to_window=False)
stft(x, 3, window=None, hop_length=1), stft(x, 21, window=None), stft(x, 1, window=None, hop_length=1)
stft(x.double()), stft(x, window=w.double())
stft(x[:5])
back(s), back(sb), s.istft(8, window=w), torch.istft(s, 8)
back(s, length=20), back(s, length=25), back(s, length=3), back(s, length=40)
back(stft(x, center=False))
torch.istft(torch.stft(x, 8, center=False, return_complex=True), 8, center=False)
torch.istft(torch.stft(x, 8, center=False, return_complex=True), 8, center=False, length=23)
back(s, normalized=True), back(stft(x, normalized=True), normalized=True)
back(stft(x, hop_length=3), hop_length=3), back(stft(b, hop_length=4), hop_length=4)
back(stft(x, 11, win_length=5, window=v), 11, win_length=5, window=v)
back(stft(x, 11, win_length=5, window=v, hop_length=3), 11, win_length=5, window=v, hop_length=3)
back(sz, return_complex=True), back(sz), back(sz, onesided=False), back(stft(x, onesided=False))
back(sz, window=wc, return_complex=True)
back(s, 9, window=None)
back(s, window=w.double()), back(s.to(torch.complex128))
of(stft, x), of(stft, b), of(stft, z)
of(lambda x, w: stft(x, window=w), x, w)
of(lambda x, w: stft(x, window=w, onesided=False, normalized=True), x, wc)
of(lambda x: stft(x, 11, win_length=5, window=v.double(), hop_length=3, pad_mode="constant"), x)
of(lambda x: stft(x, center=False), x)
of(lambda x: torch.stft(x, 8, return_complex=False), x)
of(back, s), of(back, sb), of(lambda s: back(s, length=25), s)
of(lambda s: back(s, return_complex=True), sz), of(back, sz)
of(lambda s, w: back(s, window=w), s, w)
of(lambda s, w: back(s, window=w, return_complex=True), sz, wc)
of(lambda s: torch.istft(s, 8, center=False, normalized=True), s)
refused(torch.stft, x, 8), refused(stft, x, pad_mode="what"), refused(stft, z, onesided=True)
refused(stft, x, window=wc, onesided=True), refused(stft, x, align_to_window=True), refused(stft, x, win_length=4)
refused(stft, x, win_length=9, window=None), refused(stft, x, win_length=0, window=None), refused(stft, x, hop_length=0)
refused(stft, x, 3, window=None), refused(stft, x, 0, window=None), refused(stft, x, 21, window=None, center=False)
refused(stft, x, 41, window=None), refused(stft, b[None]), refused(stft, x, window=w[None])
refused(stft, x.long()), refused(stft, x[:0]), refused(stft, x[0])
refused(stft, x[:4]), refused(back, s, length=0), refused(back, stft(x, center=False), center=False)
refused(back, stft(x, hop_length=8), hop_length=8), refused(back, sz, window=wc), refused(back, s, return_complex=True)
refused(back, s, onesided=True, return_complex=True), refused(back, s, onesided=False), refused(back, sz, onesided=True)
refused(back, torch.view_as_real(s)), refused(back, s, 10, window=None), refused(back, s, hop_length=9)
refused(back, s, hop_length=0), refused(back, s, win_length=4)
refused(back, s, win_length=2, hop_length=4, window=None)
refused(back, s, win_length=9, window=None), refused(back, sb[None]), refused(back, s[0])
refused(back, s[:, :0]), refused(back, s[:, :1]), refused(back, s, window=torch.zeros(8))
""".strip().splitlines()
)
