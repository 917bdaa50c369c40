import Calibration
import IR
import Passes
import Testing
import Training

extension Model {
  /// Gives an initializer other numbers.
  mutating func fill(_ name: String, _ numbers: [Float]) throws {
    let names = valueNames
    let found = graph.initializers.firstIndex { names[$0.value.index] == name }
    let index = try #require(found, "no initializer \(name)")
    let shape = graph.initializers[index].tensor.shape
    graph.initializers[index].tensor = Tensor(name: name, floats: numbers, shape: shape)
  }

  /// The numbers of an initializer.
  func numbers(_ name: String) throws -> [Float] {
    let initializer = graph.initializers.first { self.name(of: $0.value) == name }
    let numbers = try #require(initializer, "no initializer \(name)").tensor.floats()
    return try #require(numbers)
  }
}

/// Samples of an input x, `size` numbers each.
func samples(
  _ numbers: [Float], shape: [Int], origin: CalibrationData.Origin = .natural
) -> CalibrationData {
  let size = shape.reduce(1, *)
  return CalibrationData(count: numbers.count / size, origin: origin, source: "test", hasLabels: false) {
    range throws(TrainingError) in
    let part = Array(numbers[(range.lowerBound * size)..<(range.upperBound * size)])
    return CalibrationData.Samples(inputs: ["x": Tensor(floats: part, shape: [range.count] + shape)])
  }
}

/// Numbers between −1 and 1 that look drawn at random: the fractions of multiples of an irrational number's powers.
func scattered(_ count: Int, columns: Int) -> [Float] {
  // The root of x⁵ = x + 1: its powers make sequences of four columns that fill the cube evenly.
  let root = 1.1673039782614187
  return (0..<count * columns).map { index in
    let (row, column) = (index / columns, index % columns)
    var step = 1.0
    for _ in 0...column { step /= root }
    let number = Double(row + 1) * step
    return Float(2 * (number - number.rounded(.down)) - 1)
  }
}

/// What a pass counted, as text.
func statistic(_ name: String, of record: PassRecord?) -> String? {
  record?.report.statistics.first { $0.name == name }?.value.text()
}

/// The one line a failure says.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

/// Options as a pipeline file gives them.
func options(_ values: [String: OptionValue]) -> OptionValues {
  OptionValues(values, at: ConfigLocation(file: "pipeline.yaml", line: 3, column: 5))
}

/// Runs passes on a model in text form.
func run(_ passes: [any Pass], on model: inout Model) throws -> [PassRecord] {
  let context = Context(model: model, source: Context.Source(path: "model.onnx"))
  return try Pipeline(passes).run(&model, in: context)
}

/// Removes this share of every group, however few channels that leaves.
func prune(ratio: Double) -> PrunePass {
  var options = SelectionOptions(ratio: ratio)
  options.roundTo = 1
  return PrunePass(options)
}
