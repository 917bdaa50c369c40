"""The networks that are trained, built as those of Models are, the CNNs with channels to spare."""
import dataclasses

from study import networks

make = networks.make


@dataclasses.dataclass(frozen=True)
class Subject:
    title: str
    network: str  # of Models, which has the data too
    shape: dict  # what the architecture is built with
    optimizer: str
    rate: float
    steps: int
    batch: int
    momentum: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    rate_of_trained: float = 0.5  # of the rate, where training goes on from a trained network

    @property
    def told(self):
        shape = "".join(f", {key.replace('_', ' ')} {value:g}" for key, value in self.shape.items())
        return (f"{self.network}{shape}, {self.steps} steps of {self.batch} by {self.optimizer} with a learning rate of "
                f"{self.rate:g} ({self.rate_from('trained'):g} from a trained network)")

    @property
    def warm_up_steps(self):
        return self.steps // 10

    def rate_from(self, start):
        return self.rate * (self.rate_of_trained if start == "trained" else 1)

    def options(self, start, steps):
        """Options of `coppice train`, but for the optimizer's name."""
        options = ["--lr", self.rate_from(start), "--weight-decay", self.weight_decay, "--schedule", "cosine",
                   "--warm-up-steps", min(self.warm_up_steps, steps // 10), "--batch", self.batch, "--steps", steps,
                   "--label-smoothing", self.label_smoothing]
        return options + (["--momentum", self.momentum] if self.momentum else [])

    def untrained(self, seed, path):
        make.onnx.save(getattr(make.architectures, self.network)(seed=seed, **self.shape), path)


SUBJECTS = {subject.title: subject for subject in [
    Subject("residual CNN", "fashion_resnet", {"width": 2, "stem_stride": 2}, "sgd", rate=0.1, momentum=0.9,
            weight_decay=0.0005, batch=64, steps=800),
    Subject("depthwise CNN", "digits_mobilenet", {}, "sgd", rate=0.05, momentum=0.9, weight_decay=0.0005, batch=32,
            steps=2000),
    Subject("transformer", "digits_transformer", {}, "adamw", rate=0.003, weight_decay=0.3, label_smoothing=0.1,
            batch=32, steps=900),
]}
