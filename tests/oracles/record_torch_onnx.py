"""Export networks of PyTorch to ONNX, with both of its exporters. Run by hand with PyTorch 2.13, onnx and onnxscript:

    python -m tests.oracles.record_torch_onnx

It writes the files of exported/, and exported.npz in it with inputs (x0, ...) and PyTorch's results (y0, ...).
"""

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

FOLDER = Path(__file__).with_name("exported")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(4, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = nn.Conv2d(6, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6)
        self.shortcut = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), nn.BatchNorm2d(6))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 7, 2, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.block, self.head = Block(), nn.Linear(6, 5)

    def forward(self, x):
        return F.softmax(self.head(F.adaptive_avg_pool2d(self.block(self.stem(x)), 1).flatten(1)), 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.inner = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.norm, self.last = nn.GroupNorm(2, 6), nn.Conv2d(10, 3, 3, padding=1)

    def forward(self, x):
        skip = F.silu(self.first(x))
        deep = F.gelu(self.norm(self.inner(F.avg_pool2d(skip, 2))))
        deep = F.interpolate(deep, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.last(torch.cat([skip, deep], 1)) + x


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.up1 = nn.Linear(4, 96), nn.ConvTranspose2d(6, 4, 4, 2, 1)
        self.norm, self.up2 = nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 1, 3, 2, 1, output_padding=1)

    def forward(self, z):
        h = F.leaky_relu(self.linear(z), 0.2).view(-1, 6, 4, 4)
        return torch.tanh(self.up2(F.elu(self.norm(self.up1(h)))))


class Enlarger(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        y = F.pixel_shuffle(self.conv(x), 2)
        twice = F.interpolate(self.last(y), scale_factor=2, mode="nearest")
        cubic = F.interpolate(twice, scale_factor=1.5, mode="bicubic")
        return cubic, F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.layer_norm = nn.InstanceNorm2d(8, affine=True), nn.LayerNorm(8)
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x):
        n, c, h, w = x.shape
        x = self.norm(x)
        tokens = self.layer_norm(x.flatten(2).transpose(1, 2))
        q, k, v = self.qkv(tokens).reshape(n, h * w, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        return x + self.out(mixed).transpose(1, 2).reshape(n, c, h, w)


class Functions(nn.Module):
    def forward(self, x, grid):
        y = F.grid_sample(x, grid, align_corners=False)
        z = torch.where(y > 0, y, y.abs() ** 0.5)
        products = torch.einsum("nchw,nchw->nc", x, x)
        largest = torch.topk(z.flatten(1), 3)[0]
        return F.hardswish(z), largest, z.mean((2, 3)), z.std(dim=1), x.roll(1, -1), x[:, ::2, 1:-1], products


MODELS = {
    "classifier": (Classifier, [(2, 3, 21, 21)]),
    "unet": (UNet, [(1, 3, 18, 16)]),
    "decoder": (Decoder, [(3, 4)]),
    "enlarger": (Enlarger, [(1, 1, 6, 5)]),
    "attention": (Attention, [(2, 8, 3, 4)]),
    "functions": (Functions, [(2, 3, 6, 5), (2, 4, 4, 2)]),
}


def without_remarks(path: Path) -> None:
    """Remove from a file what the exporter tells of the program and of the machine."""
    model = onnx.load(path)
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    values = {}
    for name, (make, shapes) in MODELS.items():
        torch.manual_seed(0)
        model = make().eval()
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                for statistic in (norm.running_mean, norm.weight.data, norm.bias.data):
                    statistic.normal_()
                norm.running_var.uniform_(0.5, 2)
        inputs = [torch.randn(shape) for shape in shapes]
        for exporter in ("graph", "script"):
            path = FOLDER / f"{name}-{exporter}.onnx"
            if exporter == "graph":
                torch.onnx.export(model, tuple(inputs), dynamo=True, verbose=False).save(path)
            else:
                torch.onnx.export(model, tuple(inputs), path, dynamo=False, opset_version=17)
            without_remarks(path)
        outputs = model(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        values |= {f"{name}-x{i}": x.numpy() for i, x in enumerate(inputs)}
        values |= {f"{name}-y{i}": y.detach().numpy() for i, y in enumerate(outputs)}
    np.savez_compressed(FOLDER / "exported.npz", **values)


if __name__ == "__main__":
    main()
