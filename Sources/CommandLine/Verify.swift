import ArgumentParser
import Coppice

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks that a model has the interface of another, and lost exactly what a plan says.",
    discussion: """
      Compares inputs, outputs and operator sets. With a plan it also checks that exactly the slices the plan names are
      gone: every tensor has the sizes it should, and carrying the plan out again gives the same model.
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
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let file = try ModelFile(path: a)
    let original = try Session(file)
    let other = try Session(path: b)
    let interface = InterfaceComparison.differences(original.model, other.model)
    var differences = interface
    if let plan {
      let digest = BackgroundDigest(file.bytes)
      let input = try PlanInput(path: plan, for: original, digest: digest.value())
      differences += SizeComparison.differences(original.model, other.model, removals: input.removals)
      // The bytes are looked at only where the sizes are right, so that one mistake is told once.
      if differences.isEmpty {
        let expected: Model
        do { expected = try original.model.keeping(input.keep, analysis: original.analysis) } catch {
          throw Failure.other("\(a): \(error)")
        }
        differences = ModelComparison.differences(expected, other.model)
      }
    }
    let outputs = original.model.graph.outputs.map { original.model.name(of: $0.value) }
    try report(differences, hasSameInterface: interface.isEmpty, outputs)
    guard differences.isEmpty else {
      throw Failure.mismatch(
        "\(b): differs from \(plan == nil ? a : "what \(a) and the plan give"); see the lines above")
    }
  }

  private func report(_ differences: [String], hasSameInterface: Bool, _ outputs: [String]) throws {
    if json {
      let object = JSONText.object([
        ("version", .int(1)), ("sameInterface", .bool(hasSameInterface)),
        ("asPlanned", plan == nil ? .null : .bool(differences.isEmpty)),
        // Outputs are not computed: nothing is known of their difference.
        ("maxRelativeError", .null), ("outputs", .array(outputs.map { .string($0) })),
        ("differences", .array(differences.map { .string($0) })),
      ])
      try printOut(object.text(linesTo: 2))
    } else if !differences.isEmpty {
      try printOut(Talk.printable(differences.joined(separator: "\n")))
    } else if !talk.quiet {
      try printOut(
        plan == nil
          ? "the same interface; outputs were not compared" : "the same interface, and exactly what the plan says")
    }
  }
}
