"""The networks of Models/architectures.py as PyTorch modules, with the weights of their ONNX files."""
import functools
import math
import pathlib
import sys

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from study import networks

scaled = networks.make.architectures.scaled
BOUND = 1e-4  # largest difference allowed between the logits here and those of ONNX Runtime
CLASSES = 10


class ConvBlock(nn.Module):
    """A convolution, a batch normalization, and a ReLU where there is one."""

    def __init__(self, channels, out, rectify=True, kernel=3, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.rectify = rectify

    def forward(self, x):
        x = self.norm(self.conv(x))
        return torch.relu(x) if self.rectify else x


class ResidualBlock(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.a = ConvBlock(channels, out, stride=stride)
        self.b = ConvBlock(out, out, rectify=False)
        has_skip = stride != 1 or channels != out
        self.skip = ConvBlock(channels, out, rectify=False, kernel=1, stride=stride) if has_skip else None

    def forward(self, x):
        return torch.relu(self.b(self.a(x)) + (x if self.skip is None else self.skip(x)))


class InvertedResidual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        hidden = channels * 4
        self.expand = ConvBlock(channels, hidden, kernel=1)
        self.depthwise = ConvBlock(hidden, hidden, stride=stride, groups=hidden)
        self.project = ConvBlock(hidden, out, rectify=False, kernel=1)
        self.is_residual = stride == 1 and channels == out

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class Resnet(nn.Module):
    def __init__(self, width=1, stem_stride=1):
        super().__init__()
        channels = scaled(16, width)
        self.stem = ConvBlock(1, channels, stride=stem_stride)
        for stage, out in enumerate((scaled(32, width), scaled(48, width))):
            blocks = nn.Module()
            for block in range(2):
                blocks.add_module(f"block{block}", ResidualBlock(channels, out, stride=1 if block else 2))
                channels = out
            self.add_module(f"stage{stage}", blocks)
        self.head = nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = self.stem(x)
        for stage in (self.stage0, self.stage1):
            x = stage.block1(stage.block0(x))
        return self.head(x.mean((2, 3)))


class Mobilenet(nn.Module):
    def __init__(self, width=1, stem_stride=2):
        super().__init__()
        channels, last = scaled(16, width), scaled(128, width)
        self.stem = ConvBlock(1, channels, stride=stem_stride)
        for index, (whole, stride) in enumerate(((16, 1), (24, 1), (40, 2), (40, 1), (64, 1))):
            out = scaled(whole, width)
            self.add_module(f"block{index}", InvertedResidual(channels, out, stride))
            channels = out
        self.last = ConvBlock(channels, last, kernel=1)
        self.head = nn.Linear(last, CLASSES)

    def forward(self, x):
        x = self.stem(x if x.dim() == 4 else x.unsqueeze(1))  # digits have no axis of channels
        for block in (self.block0, self.block1, self.block2, self.block3, self.block4):
            x = block(x)
        return self.head(self.last(x).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        # What a pruner that removes heads sets anew; the scale is that of the whole network.
        self.heads, self.scale = heads, (width // heads) ** -0.5

    def forward(self, x):
        # Widths are read off the tensors: pruning changes them.
        q, k, v = (part(x).reshape(*x.shape[:2], self.heads, -1).transpose(1, 2) for part in (self.q, self.k, self.v))
        shares = torch.softmax(q @ k.transpose(2, 3) * self.scale, dim=-1)
        return self.o((shares @ v).transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, width=64, heads=4, layers=2):
        super().__init__()
        self.patch = nn.Module()
        self.patch.embed = nn.Linear(4, width)
        self.position = nn.Parameter(torch.zeros(1, 16, width))
        for layer in range(layers):
            self.add_module(f"layer{layer}", TransformerBlock(width, heads))
        self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x):
        x = x.reshape(-1, 4, 2, 4, 2).permute(0, 1, 3, 2, 4).reshape(-1, 16, 4)
        x = self.patch.embed(x) + self.position
        x = self.layer1(self.layer0(x))
        return self.logits(self.norm(x).mean(1))


MODULES = {"fashion_resnet": Resnet, "fashion_mobilenet": Mobilenet, "digits_transformer": Transformer,
           "digits_mobilenet": functools.partial(Mobilenet, stem_stride=1)}
NORM_NAMES = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def classifier(model):
    """The layer whose outputs are the classes, which no pruner may cut."""
    return model.logits if isinstance(model, Transformer) else model.head


def state(path, module):
    """The module's state of an ONNX file's initializers: those of matrix products are transposed."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    expected, found = module.state_dict(), {}
    for name, array in arrays.items():
        owner, _, part = name.rpartition(".")
        if owner and isinstance(module.get_submodule(owner) if has_module(module, owner) else None,
                                (nn.BatchNorm2d, nn.LayerNorm)):
            name = f"{owner}.{NORM_NAMES[part]}"
        if name in expected:
            value = torch.tensor(array)
            # MatMul has its weights by inputs and outputs; the CNNs' Gemm and Linear by outputs and inputs.
            is_product = value.dim() == 2 and isinstance(module, Transformer)
            found[name] = value.T.contiguous() if is_product else value
    missing = [name for name in expected if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{path}: no initializer for {', '.join(missing)}")
    return found


def has_module(module, name):
    return any(name == found for found, _ in module.named_modules())


def loaded(name, path):
    """The trained network in evaluation mode."""
    module = MODULES[name]()
    module.load_state_dict(state(path, module), strict=False)
    return module.eval()


def difference(module, path, images):
    """Largest difference between the module's logits and those of ONNX Runtime."""
    import onnxruntime

    running = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = running.run(None, {running.get_inputs()[0].name: images})[0]
    with torch.no_grad():
        found = module(torch.from_numpy(images)).numpy()
    return float(abs(found - expected).max())


def checked(name, path, images):
    """The trained network, which computes what its file does."""
    module = loaded(name, path)
    distance = difference(module, path, images)
    if not distance <= BOUND or math.isnan(distance):
        sys.exit(f"error: {pathlib.Path(path).name}: PyTorch's logits are {distance:.1e} away from ONNX Runtime's")
    return module
