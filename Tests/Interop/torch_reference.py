"""PyTorch's side of parity_training.py, run in an environment that has it.

    torch_reference.py torch_train.py MODEL FOLDER

Exports the model, and writes one batch of data, the gradients of the loss on it in single and in double precision, and
the losses of 20 steps on it.
"""
import copy
import json
import pathlib
import runpy
import sys

import numpy as np
import torch

STEPS, RATE, MOMENTUM = 20, 0.001, 0.9  # as torch_train.py trains


def gradients(model, inputs, labels):
    """By the names of the parameters."""
    model = copy.deepcopy(model)
    model.train()
    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    return {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}


def main():
    script, name, folder = sys.argv[1:4]
    sys.argv = [script, name, "--export", folder]
    defined = runpy.run_path(script)
    model, inputs = defined["m"], defined["x"]
    torch.manual_seed(1)
    labels = torch.randint(0, 10, (inputs.shape[0],))
    folder = pathlib.Path(folder)
    np.savez(folder / f"{name}.npz", input=inputs.numpy(), label=labels.numpy())
    np.savez(folder / "single.npz", **gradients(model, inputs, labels))
    wide = inputs.double() if inputs.is_floating_point() else inputs
    np.savez(folder / "double.npz", **gradients(copy.deepcopy(model).double(), wide, labels))
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    (folder / f"{name}.json").write_text(json.dumps({"losses": losses, "rate": RATE, "momentum": MOMENTUM}))


if __name__ == "__main__":
    main()
