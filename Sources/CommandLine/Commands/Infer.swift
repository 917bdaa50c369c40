import ArgumentParser
import Coppice
import DataSources
import IR
import Runtime

struct Infer: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a model on data and writes its outputs.",
    discussion: """
      The input is an .npz file with an array for every input of the model, or an .npy file where there is one input.
      The output holds arrays by output name; an .npy file takes the one output there is.

      EXAMPLE
        coppice infer model.onnx --input x.npz -o y.npz
      """)

  @Argument(help: "The model to run.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(
    help: ArgumentHelp("What the model is run on.", valueName: "path"), completion: .file(extensions: ["npz", "npy"]))
  var input: String
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the outputs go.", valueName: "path"),
    completion: .file(extensions: ["npz", "npy"]))
  var output: String
  @Option(
    parsing: .unconditional,
    help: "Samples of a run; all at once by default. Outputs without an axis of samples must not depend on them.")
  var batch: Int?
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Replace the output if it exists.") var force = false
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch must be at least 1") }
  }

  func run() throws {
    let loaded = try ModelFile(path: model).model()
    try OutputPlace.refuse(output, force: force, reading: [model, input], models: [loaded])
    try refuseFormat(outputs: loaded.graph.outputs.count)
    do {
      let session = try Runtime.Session(loaded, options: runtime.options)
      let tensors = try inputs(loaded)
      let start = ContinuousClock.now
      let results = try run(loaded, session, tensors)
      let seconds = Session.seconds(since: start)
      try write(loaded.graph.outputs.compactMap { results[loaded.name(of: $0.value)] })
      if json {
        try printOut(JSONText.object([("version", .int(1)), ("seconds", .double(seconds))]).text(linesTo: 1))
      } else if !talk.quiet {
        try printOut("ran in \(decimal(seconds, 3)) s")
      }
    } catch let error as RuntimeError {
      throw Failure.invalidModel("\(model): \(error)")
    }
  }

  /// The arrays of the file in the types the model takes.
  private func inputs(_ model: Model) throws -> [String: Tensor] {
    let expected = ExpectedInput.all(of: model)
    let arrays = try InputArrays(
      input, only: expected.count == 1 ? expected[0].name : nil, inputCount: expected.count)
    var tensors: [String: Tensor] = [:]
    for input in expected { tensors[input.name] = try arrays.tensor(for: input, anyCount: batch != nil) }
    try arrays.refuseEmpty(Array(tensors.values))
    return tensors
  }

  private func run(
    _ loaded: Model, _ session: Runtime.Session, _ tensors: [String: Tensor]
  ) throws -> [String: Tensor] {
    guard let batch, let count = try sampleCount(tensors), batch < count else { return try session.run(tensors) }
    var outputs = BatchedOutputs(loaded)
    for start in stride(from: 0, to: count, by: batch) {
      let range = start..<min(count, start + batch)
      outputs.add(try session.run(tensors.mapValues { $0.samples(range) }), count: range.count)
    }
    do { return try outputs.joined() } catch let failure as Failure { throw failure.prefixed(model) }
  }

  /// The size of the first axes; `nil` where no input has axes.
  private func sampleCount(_ tensors: [String: Tensor]) throws -> Int? {
    let counts = tensors.sorted { $0.key < $1.key }.compactMap { name, tensor in tensor.shape.first.map { (name, $0) } }
    guard let first = counts.first else { return nil }
    if let other = counts.first(where: { $0.1 != first.1 }) {
      throw Failure.usage(
        "\(input): arrays \(first.0) and \(other.0) hold \(first.1) and \(other.1) samples; make the first axes "
          + "equal or leave --batch out")
    }
    return first.1
  }

  /// Refuses a name that says no format, or one that does not hold so many outputs.
  private func refuseFormat(outputs count: Int) throws {
    guard output.hasSuffix(".npy") || output.hasSuffix(".npz") else {
      throw Failure.usage("\(output): is neither .npz nor .npy; give -o a name with one of these endings")
    }
    guard count == 1 || output.hasSuffix(".npz") else {
      throw Failure.usage("\(output): the model has \(count) outputs; give the name of an .npz file")
    }
  }

  private func write(_ outputs: [Tensor]) throws {
    guard output.hasSuffix(".npy"), let first = outputs.first else {
      return try NumPyFile.writeArchive(outputs, to: output, overwrite: force)
    }
    try NumPyFile.write(first, to: output, overwrite: force)
  }
}
