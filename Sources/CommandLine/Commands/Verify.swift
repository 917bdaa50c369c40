import ArgumentParser
import Coppice

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks that a model computes what another does, and lost exactly what a plan says.",
    discussion: """
      Compares inputs, outputs and operator sets, then runs both models on the same inputs and compares what comes out.
      With a plan it checks that exactly the slices the plan names are gone: every tensor has the sizes it should,
      carrying the plan out again gives the same model, and it computes what the original does with these slices set to
      zero. Where it does not, the groups to blame are named. Groups whose removal is approximate may differ.
      Where the models differ it prints a line for each difference and ends with exit code 6.

      EXAMPLE
        coppice verify model.onnx small.onnx --plan plan.json
      """)

  @Argument(help: "The original.", completion: .file(extensions: ["onnx"])) var a: String
  @Argument(help: "The model to check.", completion: .file(extensions: ["onnx"])) var b: String
  @Option(
    help: ArgumentHelp("What was removed from the original.", valueName: "path"),
    completion: .file(extensions: ["json"]))
  var plan: String?
  @OptionGroup var inputs: VerifyInputs
  @OptionGroup var shapes: InputShapeArguments
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let file = try ModelFile(path: a)
    let original = try Session(file, shapes: shapes.parsed())
    let other = try Session(path: b)
    let interface = InterfaceComparison.differences(original.model, other.model)
    var differences = interface
    var removal: OutputVerification.Removal?
    if let plan {
      let digest = BackgroundDigest(file.bytes)
      let input = try PlanInput(path: plan, for: original, digest: digest.value())
      differences += try structure(original, other, input)
      removal = OutputVerification.Removal(input.removals, keep: input.keep, analysis: original.analysis)
    }
    let outputs = interface.isEmpty ? try compareOutputs(original, other, removal) : nil
    differences += outputs?.differences(tolerance: inputs.tolerance) ?? []
    let withoutNumbers = outputs?.withoutNumbers ?? []
    try report(differences + withoutNumbers, hasSameInterface: interface.isEmpty, outputs)
    guard differences.isEmpty else {
      throw Failure.mismatch(
        "\(b): differs from \(plan == nil ? a : "what \(a) and the plan give"); see the lines above")
    }
    guard withoutNumbers.isEmpty else {
      throw Failure.mismatch(
        "\(b): outputs are no numbers on these inputs, so nothing shows that they are equal; "
          + "try --input with real data")
    }
  }

  private func structure(_ original: Session, _ other: Session, _ input: PlanInput) throws -> [String] {
    let sizes = SizeComparison.differences(original.model, other.model, removals: input.removals)
    // The bytes are looked at only where the sizes are right, so that one mistake is told once.
    guard sizes.isEmpty else { return sizes }
    let expected: Model
    do { expected = try original.model.keeping(input.keep, analysis: original.analysis) } catch {
      throw Failure.other("\(a): \(error)")
    }
    return ModelComparison.differences(expected, other.model)
  }

  private func compareOutputs(
    _ original: Session, _ other: Session, _ removal: OutputVerification.Removal?
  ) throws -> OutputVerification {
    let sizes: InputSizes
    let shapes = try self.shapes.parsed()
    do throws(PassError) { sizes = try InputSizes(original.model, shapes: shapes) } catch {
      if case .usage(let reason) = error { throw Failure.usage("\(a): \(reason)") }
      return try notCompared("\(error)")
    }
    let samples = try inputs.samples(for: [original.model, other.model], sizes: sizes, path: a)
    let outputs = try OutputVerification(
      original.model, against: other.model, without: removal, samples: samples, tolerance: inputs.tolerance)
    if let obstacle = outputs.obstacle {
      let isGuessed = inputs.input == nil && !sizes.assumed.isEmpty
      let guess = "; the model was run with \(sizes.assumed.joined(separator: ", ")), see --input-shape"
      return try notCompared(obstacle + (isGuessed ? guess : ""))
    }
    if !talk.quiet { for remark in outputs.remarks { Talk.say("note: \(b): \(remark)") } }
    return outputs
  }

  /// What remains is structure, unless inputs are given to compare outputs on.
  private func notCompared(_ obstacle: String) throws -> OutputVerification {
    if let input = inputs.input { throw Failure.invalidModel("\(a): nothing to compare on \(input): \(obstacle)") }
    Talk.say("warning: \(a): outputs were not compared, only structure: \(obstacle)")
    return OutputVerification(obstacle: obstacle)
  }

  private func report(_ differences: [String], hasSameInterface: Bool, _ outputs: OutputVerification?) throws {
    if json {
      try printOut(object(differences, hasSameInterface: hasSameInterface, outputs).text(linesTo: 2))
    } else if !differences.isEmpty {
      try printOut(Talk.printable(differences.joined(separator: "\n")))
    } else if !talk.quiet {
      try printOut(Talk.printable(agreement(outputs)))
    }
  }

  private func object(
    _ differences: [String], hasSameInterface: Bool, _ outputs: OutputVerification?
  ) -> JSONText {
    func number(_ error: Double?) -> JSONText { error.map { $0.isFinite ? .double($0) : .null } ?? .null }
    let perOutput = outputs?.comparison?.outputs ?? []
    return .object([
      ("version", .int(1)), ("sameInterface", .bool(hasSameInterface)),
      ("asPlanned", plan == nil ? .null : .bool(differences.isEmpty)),
      ("outputsCompared", .bool(outputs?.comparison != nil)),
      ("maxRelativeError", number(outputs?.comparison?.maxRelativeError)), ("tolerance", .double(inputs.tolerance)),
      (
        "outputs",
        .array(
          perOutput.map {
            .object([
              ("name", .string($0.name)), ("maxRelativeError", number($0.maxRelativeError)),
              ("maxAbsoluteError", number($0.maxAbsoluteError)), ("notFinite", .int($0.notFiniteCount)),
            ])
          })
      ),
      (
        "groups",
        .array(
          (outputs?.groups ?? []).map {
            .object([
              ("id", .string($0.group)), ("exact", .bool($0.isExact)),
              ("maxRelativeError", number($0.maxRelativeError)),
            ])
          })
      ),
      ("differences", .array(differences.map { .string($0) })),
    ])
  }

  /// What is said of models that agree.
  private func agreement(_ outputs: OutputVerification?) -> String {
    let structure = plan == nil ? "the same interface" : "the same interface, and exactly what the plan says"
    guard let outputs, let comparison = outputs.comparison else { return "\(structure); outputs were not compared" }
    let error = "relative error \(OutputVerification.short(comparison.maxRelativeError))"
    guard outputs.isApproximate else {
      let what = plan == nil ? "the same outputs" : "the outputs of the original with the removed slices zeroed"
      return "\(structure); \(what) (\(error))"
    }
    let lines = outputs.groups.map {
      "  \($0.group): relative error \(OutputVerification.short($0.maxRelativeError))"
    }
    return (["\(structure); approximate groups differ from zeroing (\(error)):"] + lines).joined(separator: "\n")
  }
}
