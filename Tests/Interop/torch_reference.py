"""PyTorch's side of parity_training.py, run in an environment that has it.

    torch_reference.py torch_train.py MODEL FOLDER

Exports the model, and writes one batch of data, the gradients of the loss on it and the losses of 20 steps, in single and
in double precision. Where the model has kinks, it does the same for a model without: with SiLU in place of ReLU.
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
    """By the names of the parameters; the model stays as it is."""
    model = copy.deepcopy(model)
    model.train()
    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    return {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}


def write(folder, kind, model, inputs, labels):
    """Gradients to files; returns the losses of steps. Both in single and in double precision."""
    np.savez(folder / f"{kind}-single.npz", **gradients(model, inputs, labels))
    wide = inputs.double() if inputs.is_floating_point() else inputs
    exact = copy.deepcopy(model).double()
    np.savez(folder / f"{kind}-double.npz", **gradients(exact, wide, labels))
    return {"single": steps(model, inputs, labels), "double": steps(exact, wide, labels)}


def smoothed(module):
    """Puts SiLU in place of ReLU; returns whether there was any as a module. Functions are exchanged for all."""
    torch.nn.functional.relu = torch.nn.functional.silu
    found = False
    for name, child in module.named_children():
        if isinstance(child, (torch.nn.ReLU, torch.nn.ReLU6)):
            setattr(module, name, torch.nn.SiLU())
            found = True
        elif smoothed(child):
            found = True
    return found


def export(model, inputs, path):
    """As torch_train.py does."""
    model.eval()
    torch.onnx.export(
        model, (inputs,), str(path), dynamo=False, opset_version=17, input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}}, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE)


def steps(model, inputs, labels):
    """The losses; the model stays as it is."""
    model = copy.deepcopy(model)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return losses


def main():
    script, name, folder = sys.argv[1:4]
    sys.argv = [script, name, "--export", folder]
    defined = runpy.run_path(script)
    model, inputs = defined["m"], defined["x"]
    torch.manual_seed(1)
    labels = torch.randint(0, 10, (inputs.shape[0],))
    folder = pathlib.Path(folder)
    np.savez(folder / f"{name}.npz", input=inputs.numpy(), label=labels.numpy())
    losses = {name: write(folder, name, model, inputs, labels)}
    if smoothed(model):
        export(model, inputs, folder / f"{name}-smooth.onnx")
        losses[f"{name}-smooth"] = write(folder, f"{name}-smooth", model, inputs, labels)
    facts = {"losses": losses, "rate": RATE, "momentum": MOMENTUM}
    (folder / f"{name}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
