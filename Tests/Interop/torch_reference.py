"""PyTorch's side of parity_training.py, run in an environment that has it.

    torch_reference.py torch_train.py MODEL FOLDER

Exports the model, and writes one batch of data and the losses of 20 steps on it.
"""
import json
import pathlib
import runpy
import sys

import numpy as np
import torch

STEPS, RATE, MOMENTUM = 20, 0.001, 0.9  # as torch_train.py trains


def main():
    script, name, folder = sys.argv[1:4]
    sys.argv = [script, name, "--export", folder]
    defined = runpy.run_path(script)
    model, inputs = defined["m"], defined["x"]
    torch.manual_seed(1)
    labels = torch.randint(0, 10, (inputs.shape[0],))
    folder = pathlib.Path(folder)
    np.savez(folder / f"{name}.npz", input=inputs.numpy(), label=labels.numpy())
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
