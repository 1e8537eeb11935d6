"""Element-wise functions: elementary and special functions, arithmetic, comparisons, and their in-place forms."""

__all__ = ["CALLS", "START"]

START = """
nan, inf = float("nan"), float("inf")
t = torch.tensor
x = t([-2.5, -0.5, 0.0, 0.5, 2.5])
n, m, b = t([-3, 0, 4]), t([2, 5, -3]), t([True, False])
u = t([200, 3], dtype=torch.uint8)
y = x.clone().requires_grad_()
q = t([0.3, 0.7, 0.9], requires_grad=True)
p = t([1.5, 2.0, 7.5], requires_grad=True)
odd = t([nan, inf, -inf, -0.0, 1.0])
large = t([1e30, -1e30, 1e-30, -1e-30])

def g(out, *inputs):
    return out, gradients((out**2).sum(), *inputs)

def after(function, x):
    x = x.clone()
    same = function(x)
    return same is x, x
"""


def words(text):
    return text.split()


UNARY = [
    "tan",
    "sinh",
    "cosh",
    "asinh",
    "atan",
    "exp2",
    "erfc",
    "deg2rad",
    "rad2deg",
    "sinc",
    "sgn",
    "absolute",
    "negative",
    "positive",
    "reciprocal",
    "trunc",
    "fix",
    "frac",
    "nan_to_num",
    "signbit",
    "isinf",
    "isposinf",
    "isneginf",
    "isreal",
    "square",
    "digamma",
    "lgamma",
    "log2",
    "log10",
    "acosh",
    "asin",
    "acos",
    "atanh",
    "erfinv",
    "logit",
    "sign",
    "floor",
    "ceil",
    "round",
    "abs",
    "neg",
]
INSIDE = [
    "asin",
    "acos",
    "atanh",
    "erfinv",
    "logit",
    "arcsin",
    "arccos",
    "arctanh",
    "tan",
    "erfc",
    "sinc",
    "lgamma",
    "digamma",
]
ABOVE = [
    "acosh",
    "log2",
    "log10",
    "lgamma",
    "digamma",
    "sinh",
    "cosh",
    "exp2",
    "asinh",
    "atan",
    "reciprocal",
    "arccosh",
    "arcsinh",
    "arctan",
]

CALLS = (
    *(f"x.{name}()" for name in UNARY),
    *(f"torch.{name}(n)" for name in UNARY),
    *(f"b.{name}()" for name in UNARY),
    *(f"odd.{name}()" for name in UNARY if name not in ("sign", "sgn")),
    *(f"u.{name}()" for name in UNARY if name not in ("isreal", "tan")),
    *(f"x.double().{name}()" for name in ("tan", "erfc", "erfinv", "lgamma", "digamma", "sinc")),
    *(f"g(torch.{name}(q), q)" for name in INSIDE),
    *(f"g(torch.{name}(p), p)" for name in ABOVE),
    *(f"g(y.{name}(), y)" for name in ("trunc", "frac", "erfc", "nan_to_num", "asinh", "atan", "tan")),
    "gradients((y.sinc() ** 2).sum(), y)[0]",
    *(f"after(lambda x: x.{name}_(), x)" for name in UNARY if name[:2] != "is" and name not in ("positive", "signbit")),
    *(f"after(lambda x: x.{name}_(), n)" for name in words("trunc sgn neg abs floor exp sigmoid sqrt square erf")),
    *(f"torch.{name}(x, x + 1)" for name in words("hypot logaddexp logaddexp2 atan2 arctan2 xlogy fmod remainder ")),
    *(f"torch.{name}(n, m)" for name in words("hypot logaddexp logaddexp2 atan2 xlogy fmod gcd lcm fmin fmax ")),
    *(f"g(torch.{name}(q, p), q, p)" for name in words("hypot logaddexp logaddexp2 atan2 xlogy fmax fmin")),
    *(
        f"torch.{name}(x, 0.5)"
        for name in words("greater greater_equal less less_equal not_equal subtract multiply divide ")
    ),
    *(
        f"after(lambda x: x.{name}_(0.5), x)"
        for name in words("greater ge less eq ne subtract multiply divide true_divide")
    ),
    *(
        f"after(lambda x: x.{name}_(2), x)"
        for name in words("fmod remainder floor_divide pow copysign clamp_min clamp_max clip xlogy ")
    ),
    *(
        f"after(lambda x: x.{name}_(2), n)"
        for name in words("fmod remainder floor_divide pow clamp_min bitwise_and eq ")
    ),
    *(f"after(lambda x: x.{name}_(x + 1), x)" for name in words("atan2 hypot ldexp heaviside logical_or arctan2")),
    *"""
g(torch.fmod(p, q), p, q)
g(torch.remainder(p, q), p, q)
torch.fmod(n, 0)
torch.fmod(x, 0)
torch.fmod(b, 2)
torch.fmod(x, inf)
torch.remainder(n, 0)
torch.remainder(x, 0)
torch.remainder(x, inf)
torch.floor_divide(n, 0)
torch.floor_divide(x, 0)
torch.floor_divide(x, inf)
torch.div(n, 0, rounding_mode="trunc")
torch.div(n, 0, rounding_mode="floor")
n // 0
n % 0
5 // n
5 % n
n / 0
b // True
b % True
torch.div(y, 2, rounding_mode="floor")
torch.div(y, 2, rounding_mode="trunc")
gradients(torch.div(y, 2, rounding_mode="trunc").sum() * y.sum(), y)
gradients(torch.div(y, q[0], rounding_mode="floor").sum() * y.sum(), y, q)
n.div(2, rounding_mode="trunc")
u.div(7, rounding_mode="trunc")
torch.polygamma(1, p)
torch.polygamma(2, t([0.5, -0.5]))
p.polygamma(0)
torch.polygamma(-1, p)
torch.polygamma(1, t([0.5, -0.5, 0.0, inf]))
g(torch.polygamma(1, p), p)
t([0.0, -1.0, -0.5, -1.5, 1e-8, -0.0, 30.0, 1e6]).digamma()
t([0.0, -1.0, -0.5, -1.5, -100.5, 1e-8, 30.0, 0.999, 2.0]).lgamma()
t([1.0, -1.0, 0.999999, -0.2, 1e-6, 2.0, nan]).erfinv()
t([5.0, 8.0, -8.0, 0.99, 1.01, 6.4, 6.6], dtype=torch.float64).erfc() * 1e12
torch.xlogy(t([0.0, 0.0, 0.0, 0.0]), t([nan, 0.0, inf, -1.0]))
torch.xlogy(0, t([2.0]))
torch.xlogy(2, t([2.0]))
torch.xlogy(t([2.0]), 0)
odd.nan_to_num(1, 2)
odd.nan_to_num(nan=3.0, neginf=-1.0)
odd.nan_to_num(1e300)
t([0.0, 0.5, 1.0, 2.0]).logit(0.1)
g(torch.logit(q, 0.2), q)
torch.logit(q, eps=0.4)
torch.isclose(n, n.float())
torch.isclose(n, n + 1, atol=1)
torch.isclose(x, x + 1e-6)
torch.isclose(odd, odd, equal_nan=True)
torch.isclose(odd, odd)
torch.isclose(x, x, rtol=-1)
torch.isclose(b, b)
torch.isclose(u, u.flip(0), rtol=1)
torch.allclose(x, x[:1])
torch.allclose(x, x + 1e-7)
x.allclose(x, 0, 0, True)
torch.equal(n, n.float())
torch.equal(n, n[:2])
n.equal(n.clone())
torch.equal(odd, odd)
torch.equal(x, 1)
torch.isin(n, t([4, 0]))
torch.isin(4, n)
torch.isin(n, 4)
torch.isin(n, t([[4.0]]), invert=True)
torch.isin(t([nan]), t([nan]))
torch.isin(n, t([4, 0]), assume_unique=True)
torch.addcmul(n, n, m, value=2)
torch.addcmul(n, n, m, value=2.5)
torch.addcmul(x, n[:1], x)
x.addcmul(x, x, value=0.5)
torch.addcdiv(n, n, n)
torch.addcdiv(x, x, x + 1, value=2)
torch.addcdiv(x[:3], n, m.float())
g(torch.addcmul(q, q, p, value=3), q, p)
g(torch.addcdiv(q, q, p, value=3), q, p)
after(lambda x: x.addcmul_(x, x, value=2), x)
after(lambda x: x.addcdiv_(x, x + 1), x)
torch.heaviside(x, t([0.5]))
torch.heaviside(x, t(1.0))
torch.heaviside(n, t([2]))
torch.heaviside(x, t([1]))
torch.heaviside(odd, t([0.5]))
torch.copysign(x, -1)
torch.copysign(n, -0.0)
torch.copysign(n, m)
x.copysign(t(-0.0))
torch.copysign(odd, -x)
g(torch.copysign(y, -p[0]), y)[0]
torch.fmin(t([nan, 1.0]), t([2.0, nan]))
torch.fmax(t([nan, nan]), t([2.0, nan]))
torch.fmax(x, t(0))
gradients(torch.fmax(y, y.detach()).sum() * y.sum(), y)
torch.gcd(n, t(6))
torch.gcd(n, 6)
torch.gcd(x, x)
torch.lcm(n, t([4, 0, 6]))
torch.gcd(b, b)
n.gcd(m)
after(lambda x: x.lcm_(m), n)
n << 1
n >> 1
1 << n.abs()
n << t([1, 2, 70])
torch.bitwise_left_shift(n, 1)
torch.bitwise_right_shift(n, 70)
u << 1
u >> 9
x << 1
n << -1
n >> -1
b << 1
after(lambda x: x.bitwise_left_shift_(2), n)
torch.float_power(n, 2)
torch.float_power(x, 0.5)
torch.float_power(2, n)
x.float_power(n[0])
after(lambda x: x.float_power_(2), x.double())
torch.ldexp(x, t([1, 2, 3, 4, 5]))
torch.ldexp(n, t([1, 2, 3]))
torch.ldexp(x, t([0.5]))
torch.clip(x, t([0.0]), t(1.0))
torch.clamp(x, min=t([0.0, 0.0, 1.0, 1.0, 1.0]))
torch.clamp(n, max=t([1.5]))
torch.clamp(x, t([1.0]), t([0.0]))
torch.clamp(x, t([nan]))
torch.clamp(x, nan, 1)
torch.clamp(x, 0, nan)
torch.clamp(odd, 0, 2)
torch.clamp(odd, t([0.0]), t([2.0]))
torch.clamp(x, 0, t([1.0]))
torch.clamp(n, 0, 2.5)
torch.clamp(b, 0, 1)
torch.clamp(n, 0.0)
torch.clamp(u, max=100)
torch.clamp(x)
torch.clamp_min(x, 0)
torch.clamp_min(x, t([0.0]))
torch.clamp_max(n, 1.5)
n.clamp(t(1.5))
after(lambda x: x.clamp_(0.5), n)
after(lambda x: x.clamp_(t([0]), t([2])), n)
g(torch.clamp(y, q[0], p[0]), y, q, p)
g(torch.clamp(y, t([-0.5]), t([0.5])), y)
gradients((torch.clamp(y, q[0]) ** 3).sum(), y, q)
torch.sub(b, b)
torch.subtract(n, 1, alpha=2)
torch.add(n, 1, alpha=2.5)
torch.rsub(n, 1)
torch.rsub(x, 1, alpha=2)
torch.true_divide(n, 2)
2**n
x**3
t([-1.5, nan, inf, -inf, 0.0]) ** 3
x.double() ** 5
g(y**3, y)
g(y**7, y)
g(y**4, y)
n.pow(2.0)
x.round(decimals=1)
n.round(decimals=1)
+x
+b
x.where(x > 0, -1.0)
x.where(x > 0, n[0])
after(lambda x: x.add_(1.5), n)
after(lambda x: x.add_(t([300, 1])), u)
after(lambda x: x.add_(n[:2]), u)
after(lambda x: x.add_(1), b)
after(lambda x: x.mul_(True), b)
after(lambda x: x.add_(x.double()), x)
after(lambda x: x.bitwise_not_(), n)
after(lambda x: x.logical_not_(), x)
after(lambda x: x.logical_xor_(x), n)
after(lambda x: x.round_(decimals=1), x)
after(lambda x: x.nan_to_num_(1.0), odd)
large.tan().abs() > 0
large.atan()
large.asinh()
large.hypot(large)
t([1000.0, -1000.0]).logaddexp(t([1000.0, -1000.0]))
t([inf, -inf, inf]).logaddexp(t([inf, -inf, -inf]))
torch.sign(odd)
torch.sgn(odd)
g(torch.abs(odd * y[:1]), y)
b**b
torch.sub(n, b[:1])
torch.fmod(n[:0], 0)
n[:0] // 0
""".strip().splitlines(),
)
