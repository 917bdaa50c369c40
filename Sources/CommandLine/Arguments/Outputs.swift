import ArgumentParser
import Coppice

/// Where the smaller model goes.
struct OutputArguments: ParsableArguments {
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the smaller model goes.", valueName: "path"),
    completion: .file(extensions: ["onnx"]))
  var output: String

  @Flag(help: "Replace the output if it exists.")
  var force = false

  func validate() throws {
    guard output != "-" else {
      throw ValidationError("a model cannot go to standard output; give -o a path")
    }
  }

  /// Refuses an output that may not be written, before work goes into it.
  func check(_ session: Session) throws {
    try ONNXWriter.check([output], overwrite: force, protecting: session.model.sources)
  }

  /// Writes what became of a model.
  /// - Parameter sources: digests of what the model was made from, asked for last.
  func write(
    _ pruned: Model, of session: Session, progress: ProgressHandler, protecting paths: [String] = [],
    sources: @escaping @Sendable () -> [MetadataEntry]
  ) throws {
    var options = ONNXWriter.Options()
    options.overwrite = force
    options.protectedPaths = [session.path] + paths
    options.lastMetadata = sources
    options.progress = { progress("writing", $0, of: $1) }
    try pruned.write(to: output, options: options)
  }
}

/// The table and the JSON of a pruning.
struct Summary {
  let before: ModelStatistics
  let after: ModelStatistics
  let seconds: Double

  func json(extra: [(String, JSONText)] = []) -> JSONText {
    .object(
      [("version", .int(1)), ("before", before.json), ("after", after.json), ("seconds", .double(seconds))] + extra)
  }

  var text: String {
    func row(_ name: String, _ path: KeyPath<ModelStatistics, Int>) -> [String] {
      let (a, b) = (before[keyPath: path], after[keyPath: path])
      return [name, grouped(a), grouped(b), a > 0 ? percent(Double(b - a) / Double(a)) : "–"]
    }
    return table([
      ["", "before", "after", "change"], row("parameters", \.parameters), row("MACs", \.macs), row("bytes", \.bytes),
    ])
  }

  /// Prints the result as the flags ask for it: JSON whenever it was asked for, the table unless nothing is to be said.
  func report(json wantsJSON: Bool, _ talk: TalkArguments, extra: [(String, JSONText)] = []) throws {
    if wantsJSON { try printOut(json(extra: extra).text(linesTo: 1)) } else if !talk.quiet { try printOut(text) }
  }
}

/// What was kept of each group, beside what the options alone would keep.
func keptTable(_ groups: [Plan.Group]) -> String {
  let rows = groups.map { group in
    [group.id, "\(group.size)", "\(group.asked)", "\(group.keep.count)", group.isExact ? "exact" : "approximate"]
  }
  return table([["group", "size", "asked", "kept", "removal is"]] + rows, leading: [0, 4])
}
