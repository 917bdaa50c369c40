import Analysis
import DataSources
import IR
import Training

extension GeneratedInput {
  /// All inputs of a model that somebody has to fill, in the shapes the model declares or the user gives.
  /// - Throws: where a size is left open and not given, and where an input is of a kind that nothing is generated for.
  static func all(of model: Model, shapes: InputShapes) throws(TrainingError) -> [GeneratedInput] {
    do throws(InputShapeError) { try shapes.check(model) } catch {
      throw TrainingError(.settings, error.description)
    }
    let expected = ExpectedInput.all(of: model)
    // What is given of one input holds for all of the same symbol.
    var symbols: [String: Int] = [:]
    for input in expected {
      for (extent, size) in zip(input.shape ?? [], shapes.sizes(of: input.name) ?? []) {
        if case .symbol(let symbol) = extent, !symbol.isEmpty { symbols[symbol] = size }
      }
    }
    let rows = model.lookedUpRows
    var inputs: [GeneratedInput] = []
    for input in expected {
      guard let type = input.dataType else {
        throw TrainingError(.model, "input \(input.name) is no tensor of a known type; give data instead of noise")
      }
      let shape = try sampleShape(of: input, given: shapes.sizes(of: input.name), symbols: symbols)
      inputs.append(try GeneratedInput(name: input.name, type: type, shape: shape, rows: rows[input.name]))
    }
    return inputs
  }

  /// The shape of one sample. The first axis counts samples: it may be open.
  private static func sampleShape(
    of input: ExpectedInput, given: [Int]?, symbols: [String: Int]
  ) throws(TrainingError) -> [Int] {
    guard let declared = input.shape ?? given.map({ [DeclaredSize.Extent](repeating: .unknown, count: $0.count) })
    else { throw TrainingError(.settings, "input \(input.name) declares no shape; give --input-shape \(input.name)=…") }
    guard !declared.isEmpty else {
      throw TrainingError(.model, "input \(input.name) has no axis of samples; give data instead of noise")
    }
    let sizes = declared.enumerated().map { axis, extent -> Int? in
      if let given, given.indices.contains(axis) { return given[axis] }
      switch extent {
      case .known(let size) where size >= 0: return Int(clamping: size)
      case .symbol(let symbol): return symbols[symbol]
      default: return nil
      }
    }
    let known = sizes.dropFirst().compactMap { $0 }
    guard known.count == sizes.count - 1 else {
      let texts = ["\((sizes.first ?? nil) ?? 1)"] + sizes.dropFirst().map { $0.map { "\($0)" } ?? "?" }
      throw TrainingError(
        .settings,
        "input \(input.name) leaves sizes open; give --input-shape \(input.name)="
          + "\(texts.joined(separator: "x")) with a number for each ?")
    }
    return known
  }
}
