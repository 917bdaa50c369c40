import ArgumentParser
import Calibration
import Coppice
import Kernels
import Runtime

/// What pruning measures on samples, and how layers make up for what goes.
struct RepairArguments: ParsableArguments {
  enum Way: String, ExpressibleByArgument, CaseIterable {
    case none, par, seq
  }

  @OptionGroup var samples: CalibrationArguments

  @Option(
    help: ArgumentHelp(
      "How layers make up for what goes: none, par (each for itself) or seq (one after the other). Default: seq, or "
        + "par on noise that is not fitted, for obspa and ziplm; none otherwise.", valueName: "way"))
  var repair: Way?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What pulls repaired weights towards what they were, as a share of the mean variance of inputs "
        + "(default: 0.01, 0.1 on noise that is not fitted).",
      valueName: "share"))
  var damping: Double?

  @Flag(help: "Let groups count by what removing a half of each does to the outputs.")
  var weighGroups = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Memory that second moments of layers may take at a time, in MB.", valueName: "number"))
  var momentMemory = 1024

  @Option(help: ArgumentHelp("Threads to compute with (default: all processors).", valueName: "number"))
  var threads: Int?

  func validate() throws {
    guard (0...1000).contains(damping ?? 0) else { throw ValidationError("--damping must be from 0 to 1000") }
    let memory = PruneCalibration.momentMemoryRange
    guard memory.contains(momentMemory) else {
      throw ValidationError("--moment-memory must be from \(memory.lowerBound) to \(memory.upperBound)")
    }
    guard threads.map({ $0 > 0 }) ?? true else { throw ValidationError("--threads must be at least 1") }
  }

  /// What the flags say.
  /// - Parameters:
  ///   - shapes: of inputs whose sizes the model leaves open, for noise.
  ///   - seed: which samples are drawn of more.
  func calibration(shapes: InputShapes, seed: UInt64) throws -> PruneCalibration {
    let samples = samples
    let runtime = RuntimeOptions(workers: threads.map { Workers(count: $0) } ?? .all)
    var calibration = PruneCalibration(
      batch: samples.sampling.batch, damping: damping, memoryBudget: momentMemory << 20, runtime: runtime
    ) { model, context in
      let data = try samples.calibrationData(for: model, shapes: shapes, seed: seed, runtime: runtime) {
        work, done, all in
        context.progress(work, done, of: all)
        try context.cancellation.check()
      }
      if let remark = data?.remark { context.logger.notice("remark: \(remark)") }
      return data
    }
    calibration.loss = samples.sampling.loss.loss()
    calibration.measuring.runtime = samples.sampling.measuringRuntime(runtime)
    calibration.weighsGroups = weighGroups
    switch repair {
    case nil: break
    case .some(.none): calibration.repair = .none
    case .par: calibration.repair = .order(.parallel)
    case .seq: calibration.repair = .order(.sequential)
    }
    return calibration
  }
}

/// What was left of each repaired layer's outputs.
func repairTable(_ report: Repair.Report) -> String {
  let rows = report.layers.map { layer in
    [layer.label, percent(layer.error.isFinite ? layer.error : 0), "\(layer.damping)"]
  }
  return table([["layer", "not made up for", "damping"]] + rows)
}
