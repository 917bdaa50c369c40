import ArgumentParser
import Coppice
import DataSources
import IR

/// What models are run on to compare their outputs, and how far these may be apart.
struct VerifyInputs: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Inputs to run on: an .npz with an array for each input. Random ones by default.", valueName: "path"),
    completion: .file(extensions: ["npz"]))
  var input: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many inputs to run on (random: 2; of a file: all).", valueName: "count"))
  var samples: Int?
  @Option(help: "Where random inputs start.") var seed: UInt64 = 0
  @Option(help: ArgumentHelp("Largest difference allowed, relative to the largest output.", valueName: "share"))
  var tolerance = OutputVerification.usualTolerance

  /// Runs, one after the other. They are made when they are asked for: all of them may be more than memory holds.
  typealias Samples = LazyMapSequence<Range<Int>, [String: Tensor]>

  /// More random inputs would take days, and are a slip of the keyboard.
  private static let mostSamples = 1_000_000

  func validate() throws {
    guard samples.map({ 1...Self.mostSamples ~= $0 }) ?? true else {
      throw ValidationError("--samples must be from 1 to \(Self.mostSamples)")
    }
    guard tolerance >= 0, tolerance.isFinite else { throw ValidationError("tolerance must be a number of at least 0") }
  }

  /// - Parameter path: of the model, for messages.
  func samples(for models: [Model], sizes: InputSizes, path: String) throws -> Samples {
    guard let input else {
      let inputs = RandomInputs(for: models, sizes: sizes, seed: seed)
      return (0..<(samples ?? OutputVerification.usualSamples)).lazy.map { inputs.sample($0) }
    }
    let arrays = try InputArrays(input, only: nil, inputCount: sizes.inputs.count)
    return try batches(arrays, ExpectedInput.all(of: models[0]), sizes, path)
  }

  /// The arrays cut along their first axis into what the model takes at once.
  private func batches(
    _ arrays: InputArrays, _ expected: [ExpectedInput], _ sizes: InputSizes, _ path: String
  ) throws -> Samples {
    var given: [(input: InputSizes.Input, array: Tensor)] = []
    for input in sizes.inputs {
      guard let declared = expected.first(where: { $0.name == input.name }) else { continue }
      given.append((input, try arrays.tensor(for: declared, anyCount: true)))
    }
    try arrays.refuseEmpty(given.map(\.array))
    let file = arrays.path
    let tensors = Dictionary(given.map { ($0.input.name, $0.array) }) { first, _ in first }
    let counts = given.compactMap { $0.array.shape.first }
    guard let count = counts.first else { return (0..<1).lazy.map { _ in tensors } }
    guard counts.allSatisfy({ $0 == count }) else {
      throw Failure.invalidModel("\(file): the first axes of its arrays differ: \(counts); make them equal")
    }
    guard count > 0 else { throw DataError.empty(source: file) }
    let all = min(count, samples ?? count)
    let fixed = given.first { !$0.input.isBatchOpen && !$0.input.shape.isEmpty }?.input.shape[0]
    let size = fixed ?? min(all, 32)
    guard size > 0, all >= size else {
      throw Failure.invalidModel(
        "\(file): holds \(counted(all, "sample")), \(path) takes \(size) at once; give at least as many")
    }
    // A last batch that is too small is left out only where the model has no other way.
    let used = fixed == nil ? all : all - all % size
    return (0..<(used + size - 1) / size).lazy.map { batch in
      tensors.mapValues { $0.samples(batch * size..<min((batch + 1) * size, used)) }
    }
  }
}
