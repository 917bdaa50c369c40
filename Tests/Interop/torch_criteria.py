"""PyTorch's side of parity_criteria.py, run in an environment that has it.

    torch_criteria.py torch_train.py MODEL FOLDER SAMPLES PROBES

Exports the model, and writes some samples and what criteria multiply weights by, by the names of the weights: all in
double precision, in evaluation mode, with second derivatives by differentiating twice.
"""
import copy
import pathlib
import runpy
import sys

import numpy as np
import torch

TEMPERATURE = 200
MASK, PROBE_MARK = (1 << 64) - 1, -3
INCREMENT = 0x9E3779B97F4A7C15


def mix(value):
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def signs(name, shape, probe, seed=0):
    """The random signs coppice draws for a weight."""
    digest = 14695981039346656037
    for byte in name.encode():
        digest = (digest ^ byte) * 1099511628211 & MASK
    state = mix((seed + INCREMENT) & MASK)
    for part in (PROBE_MARK, probe, digest):
        state = mix(state ^ mix((part + INCREMENT) & MASK))
    count = int(np.prod(shape))
    words = []
    for _ in range((count + 63) // 64):
        state = (state + INCREMENT) & MASK
        words.append(mix(state))
    bits = np.unpackbits(np.array(words, "<u8").view(np.uint8), bitorder="little")[:count]
    return torch.from_numpy(1.0 - 2.0 * bits).reshape(shape)


class Measurements:
    """Of a model in double precision and evaluation mode."""

    def __init__(self, model, inputs, labels):
        self.model = copy.deepcopy(model).double().eval()
        self.inputs = inputs.double() if inputs.is_floating_point() else inputs
        self.labels = labels
        self.names = [name for name, _ in self.model.named_parameters()]
        self.parameters = [parameter for _, parameter in self.model.named_parameters()]

    def gradients(self, temperature=1, graph=False, samples=slice(None)):
        logits = self.model(self.inputs[samples]) / temperature
        loss = torch.nn.functional.cross_entropy(logits, self.labels[samples])
        return torch.autograd.grad(loss, self.parameters, create_graph=graph)

    def product(self, gradients, direction):
        """The Hessian times the part of a direction that lies along matrices and kernels."""
        moved = [v if v.dim() > 1 else torch.zeros_like(v) for v in direction]
        return torch.autograd.grad(gradients, self.parameters, grad_outputs=moved, retain_graph=True)

    def squares(self):
        count = len(self.labels)
        sums = [torch.zeros_like(parameter) for parameter in self.parameters]
        for sample in range(count):
            for total, gradient in zip(sums, self.gradients(samples=slice(sample, sample + 1))):
                total += gradient ** 2 / count
        return sums

    def flow(self, temperature):
        gradients = self.gradients(temperature, graph=True)
        return self.product(gradients, [gradient.detach() for gradient in gradients])

    def diagonal(self, probes):
        gradients = self.gradients(graph=True)
        sums = [torch.zeros_like(parameter) for parameter in self.parameters]
        for probe in range(probes):
            drawn = [signs(name, p.shape, probe) for name, p in zip(self.names, self.parameters)]
            for total, v, product in zip(sums, drawn, self.product(gradients, drawn)):
                if v.dim() > 1:
                    total += v * product / probes
        return sums

    def synaptic_flow(self):
        model = copy.deepcopy(self.model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.abs_()
            for name, buffer in model.named_buffers():
                if name.endswith("running_mean"):
                    buffer.zero_()
        one = self.inputs[:1]
        one = torch.ones_like(one) if one.is_floating_point() else torch.zeros_like(one)
        return torch.autograd.grad(model(one).sum(), list(model.parameters()), allow_unused=True)

    def write(self, path, values):
        arrays = {name: value.detach().numpy() for name, value in zip(self.names, values) if value is not None}
        np.savez(path, **arrays)


def main():
    script, name, folder = sys.argv[1:4]
    samples, probes = map(int, sys.argv[4:6])
    folder = pathlib.Path(folder)
    sys.argv = [script, name, "--export", str(folder)]
    defined = runpy.run_path(script)
    model, inputs = defined["m"], defined["x"][:samples]
    torch.manual_seed(1)
    labels = torch.randint(0, 10, (inputs.shape[0],))
    np.savez(folder / "data.npz", input=inputs.numpy(), label=labels.numpy())
    measurements = Measurements(model, inputs, labels)
    measurements.write(folder / "weights.npz", measurements.parameters)
    measurements.write(folder / "gradients.npz", measurements.gradients())
    measurements.write(folder / "squares.npz", measurements.squares())
    measurements.write(folder / "grasp.npz", measurements.flow(TEMPERATURE))
    measurements.write(folder / "crop.npz", measurements.flow(1))
    measurements.write(folder / "hessian.npz", measurements.diagonal(probes))
    measurements.write(folder / "synflow.npz", measurements.synaptic_flow())


if __name__ == "__main__":
    main()
