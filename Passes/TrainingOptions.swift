import DataSources
import Training

/// What pipeline files say of training, and what it means.
enum TrainingOptions {
  static let descriptions: [PassOption] = [
    PassOption("data", .path, isRequired: true, help: "Inputs and labels to train with."),
    PassOption(
      "loss", .choice(["cross-entropy", "mse", "bce"]), default: "cross-entropy", help: "What is made small."),
    PassOption("optimizer", .choice(["sgd", "adam", "adamw"]), default: "sgd", help: "What makes the steps."),
    PassOption("learning_rate", .number(0...1e6), isRequired: true, help: "The learning rate."),
    PassOption("momentum", .number(0...1), default: "0", help: "Momentum, for sgd."),
    PassOption("weight_decay", .number(0...1e6), default: "0.01 for adamw, else 0", help: "Weight decay."),
    PassOption(
      "schedule", .choice(["constant", "step", "cosine", "linear"]), default: "constant",
      help: "How the learning rate goes over the steps."),
    PassOption("warm_up_steps", .integer(atLeast: 0), default: "0", help: "Steps over which the rate first grows."),
    PassOption("batch", .integer(atLeast: 1), default: "32", help: "Samples of a batch."),
    PassOption("epochs", .integer(atLeast: 1), help: "How often to go through the data; this or steps are needed."),
    PassOption("steps", .integer(atLeast: 1), help: "How many steps to make."),
    PassOption("clip_norm", .number(0...1e9), help: "The norm gradients are scaled down to."),
    PassOption(
      "self_distillation", .fraction, default: "0",
      help: "How much the outputs of the model as it is count in the loss; with 1 labels are not needed."),
    PassOption(
      "temperature", .number(0...1e6), default: "4", help: "What the outputs are divided by for self_distillation."),
    PassOption("freeze_statistics", .flag, default: "false", help: "Batch normalization keeps its statistics."),
  ]

  static func settings(_ options: OptionValues) throws(ConfigError) -> TrainingSettings {
    let duration: TrainingSettings.Duration
    switch (options.integer("epochs"), options.integer("steps")) {
    case (let epochs?, nil): duration = .epochs(epochs)
    case (nil, let steps?): duration = .steps(steps)
    default: throw ConfigError(options.location, "give either epochs or steps")
    }
    var settings = TrainingSettings(
      loss: loss(options), rule: try rule(options), learningRate: options.number("learning_rate") ?? 0,
      schedule: Schedule(shape(options), warmUpSteps: options.integer("warm_up_steps") ?? 0),
      batch: options.integer("batch") ?? 32, duration: duration, largestNorm: options.number("clip_norm"),
      normalizesByBatch: !(options.flag("freeze_statistics") ?? false))
    settings.loss.distillation = distillation(options)
    guard settings.loss.distillation != nil || options.number("temperature") == nil else {
      throw ConfigError(options.location(of: "temperature"), "temperature is for self_distillation")
    }
    do { try settings.check() } catch { throw ConfigError(options.location, "\(error)") }
    return settings
  }

  private static func loss(_ options: OptionValues) -> Loss {
    switch options.text("loss") {
    case "mse": Loss(.meanSquaredError)
    case "bce": Loss(.binaryCrossEntropy)
    default: Loss(.crossEntropy())
    }
  }

  private static func distillation(_ options: OptionValues) -> Loss.Distillation? {
    guard let share = options.number("self_distillation"), share > 0 else { return nil }
    var distillation = Loss.Distillation()
    distillation.share = Float(share)
    if let temperature = options.number("temperature") { distillation.temperature = Float(temperature) }
    return distillation
  }

  private static func rule(_ options: OptionValues) throws(ConfigError) -> any UpdateRule {
    let decay = options.number("weight_decay").map { Float($0) }
    let name = options.text("optimizer") ?? "sgd"
    guard name == "sgd" || options.number("momentum") == nil else {
      throw ConfigError(options.location(of: "momentum"), "momentum is for sgd")
    }
    switch name {
    case "adam": return Adam(weightDecay: decay ?? 0)
    case "adamw": return AdamW(weightDecay: decay ?? 0.01)
    default: return SGD(momentum: Float(options.number("momentum") ?? 0), weightDecay: decay ?? 0)
    }
  }

  private static func shape(_ options: OptionValues) -> Schedule.Shape {
    switch options.text("schedule") {
    case "step": .step()
    case "cosine": .cosine
    case "linear": .linear
    default: .constant
    }
  }
}
