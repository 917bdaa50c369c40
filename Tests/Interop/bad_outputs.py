"""Outputs that would take the place of what is read: refused whatever --force says, before anything runs."""
import json
import os
import subprocess

import numpy as np

import made_models
from bad_data import picture_model, pictures
from bad_runs import WIDTH, classifier, data, saved, weight
from bad_situations import refuses, situation
from failing import USAGE, execute, judge


def external(folder, name="model.onnx", model=None):
    """A model with its weights in a file beside it."""
    return made_models.save_external(model or classifier(), folder / name)


def infer(binary, folder, output):
    np.save(folder / "x.npy", weight(2, WIDTH))
    command = [binary, "infer", external(folder), "--input", folder / "x.npy", "-o", folder / output, "--force"]
    return refuses(binary, folder, command, {USAGE}, [output, "is read from"])


@situation
def inferred_into_the_models_data(binary, folder):
    return infer(binary, folder, "model.onnx.data")


@situation
def inferred_into_the_models_data_by_link(binary, folder):
    os.symlink("model.onnx.data", folder / "y.npz")
    return infer(binary, folder, "y.npz")


@situation
def inferred_into_its_input(binary, folder):
    return infer(binary, folder, "x.npy")


def train(binary, folder, model, path, place, *options):
    """A training whose output, log or checkpoint is at the place; the last outcome of the three."""
    usual = {"-o": folder / "new.onnx", "--log": folder / "new.jsonl", "--checkpoint": folder / "new.checkpoint"}
    for option in usual:
        places = [part for pair in {**usual, option: folder / place}.items() for part in pair]
        command = [binary, "train", model, "--data", path, "--lr", "0.01", "--batch", "4", "--steps", "3", "--force",
                   *places, *options]
        outcome, problem = refuses(binary, folder, command, {USAGE}, [place, "is read from"])
        if problem:
            return outcome, f"{option}: {problem}"
    return outcome, None


@situation
def trained_into_the_models_data(binary, folder):
    return train(binary, folder, external(folder), data(folder), "model.onnx.data")


@situation
def trained_into_the_teachers_data(binary, folder):
    teacher = external(folder, "teacher.onnx")
    return train(binary, folder, saved(folder, classifier()), data(folder), "teacher.onnx.data", "--teacher", teacher)


@situation
def trained_with_data_in_the_place_of_the_teachers(binary, folder):
    """The model's name is free, but its external data would take the place of the teacher's."""
    model, teacher = external(folder), external(folder, "teacher.onnx")
    teacher.rename(folder / "moved.onnx")
    command = [binary, "train", model, "--data", data(folder), "--teacher", folder / "moved.onnx", "--lr", "0.01",
               "--batch", "4", "--steps", "3", "--force", "-o", folder / "teacher.onnx"]
    return refuses(binary, folder, command, {USAGE}, ["teacher.onnx.data", "is read from"])


@situation
def trained_into_a_picture(binary, folder):
    return train(binary, folder, saved(folder, picture_model()), pictures(folder), "pictures/b/1.png")


@situation
def trained_into_a_picture_by_link(binary, folder):
    path = pictures(folder)
    os.symlink("pictures/b/1.png", folder / "other.onnx")
    return train(binary, folder, saved(folder, picture_model()), path, "other.onnx")


@situation
def trained_over_another_checkpoint(binary, folder):
    (folder / "out.onnx.checkpoint").write_text("of a long run")
    command = [binary, "train", saved(folder, classifier()), "--data", data(folder), "--lr", "0.01", "--batch", "4",
               "--steps", "3", "-o", folder / "out.onnx"]
    return refuses(binary, folder, command, {USAGE}, ["out.onnx.checkpoint", "--resume", "--force"])


@situation
def trained_with_outputs_of_one_name(binary, folder):
    command = [binary, "train", saved(folder, classifier()), "--data", data(folder), "--lr", "0.01", "--batch", "4",
               "--steps", "3", "-o", folder / "out.onnx"]
    for log in ["../{}/out.onnx", "./out.onnx.checkpoint", "out.onnx.data"]:
        path = f"{folder}/{log.format(folder.name)}"
        outcome, problem = refuses(binary, folder, [*command, "--log", path], {USAGE}, ["need a file each"])
        if problem:
            return outcome, f"{log}: {problem}"
    return outcome, None


@situation
def trained_on_with_a_log_of_something_else(binary, folder):
    command = [binary, "train", saved(folder, classifier()), "--data", data(folder), "--lr", "0.01", "--batch", "4",
               "--steps", "3", "-o", folder / "out.onnx"]
    run = folder / "run.checkpoint"
    subprocess.run([str(part) for part in [*command, "--checkpoint", run, "--checkpoint-every", "1", "-q"]], check=True)
    (folder / "out.onnx").unlink()
    (folder / "own.json").write_text('{"my": "data"}\n')
    outcome, problem = refuses(
        binary, folder, [*command, "--resume", run, "--log", folder / "own.json"], {USAGE}, ["own.json", "no log"])
    if not problem and (folder / "own.json").read_text() != '{"my": "data"}\n':
        problem = "the log was written to"
    return outcome, problem


@situation
def trained_on_with_its_log(binary, folder):
    """Steps after the checkpoint are made again and stand in the log once; a line that a crash cut off is gone."""
    log, run = folder / "log.jsonl", folder / "run.checkpoint"
    command = [binary, "train", saved(folder, classifier()), "--data", data(folder), "--lr", "0.01", "--batch", "4",
               "--steps", "3", "--log", log, "--checkpoint", run, "--checkpoint-every", "2"]
    outcome = execute([*command, "-o", folder / "first.onnx"])
    if outcome.code == 0:
        with log.open("a") as file:
            file.write('{"step": 4, "ep')
        outcome = execute([*command, "-o", folder / "out.onnx", "--resume", run])
    problem = judge(outcome, {0}, [])
    steps = [] if problem else [json.loads(line)["step"] for line in log.read_text().splitlines()]
    return outcome, problem or (None if steps == [1, 2, 3] else f"the log has steps {steps}")
