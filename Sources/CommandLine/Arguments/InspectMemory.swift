import ArgumentParser
import Coppice

/// Whether to plan memory, and for what.
struct InspectMemory: ParsableArguments {
  @Flag(help: "Plan the memory that running takes.") var memory = false
  @Option(parsing: .unconditional, help: ArgumentHelp("Samples at once for --memory.", valueName: "count"))
  var batch: Int?
  @Flag(help: "Plan --memory for training, with the sum of the outputs as the loss.") var train = false

  func validate() throws {
    guard memory || (batch == nil && !train) else { throw ValidationError("--batch and --train belong to --memory") }
    guard batch.map({ $0 > 0 }) ?? true else { throw ValidationError("--batch must be at least 1") }
  }

  /// - Returns: `nil` where memory was not asked for.
  func summary(of session: Session, shapes: InputShapes) throws -> MemorySummary? {
    guard memory else { return nil }
    do {
      return try MemorySummary(of: session.model, batch: batch, shapes: shapes, isTraining: train)
    } catch PassError.usage(let text) {
      throw Failure.usage("\(session.path): \(text)")
    } catch {
      throw Failure.other("\(session.path): memory cannot be planned: \(error)")
    }
  }

  static func lines(_ memory: MemorySummary) -> [String] {
    let kind = memory.isTraining ? "training" : "running"
    var rows = [("parameters", memory.parameterBytes)]
    if memory.isTraining { rows.append(("gradients", memory.gradientBytes)) }
    rows.append(("activations", memory.activationBytes))
    if memory.sharedBytes > 0 { rows.append(("shared", -memory.sharedBytes)) }
    rows.append(("peak", memory.peakBytes))
    let width = rows.map { grouped($0.1).count }.max() ?? 0
    var lines = ["memory      planned for \(kind), batch \(memory.batch)"]
    lines += rows.map { name, bytes in
      let number = grouped(bytes)
      let padding = String(repeating: " ", count: 13 - name.count + width - number.count)
      return "  \(name)\(padding)\(number) bytes"
    }
    if !memory.assumed.isEmpty {
      lines.append("  taken for open sizes: \(memory.assumed.joined(separator: ", ")) (see --input-shape)")
    }
    return lines
  }
}
