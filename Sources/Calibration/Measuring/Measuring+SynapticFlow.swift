import Analysis
import Dimensions
import IR
import Pruning
import Runtime
import Training

extension Measuring {
  /// The gradient of R, the sum of all floating-point outputs, where every weight is replaced by its magnitude (Tanaka
  /// et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", NeurIPS 2020).
  ///
  /// The model runs in double precision on one sample: floating-point inputs are ones, all others zeros. Batch
  /// normalization divides by its running variance as it is, and takes its running mean for zero, so that it is a
  /// positive multiple of each channel and a magnitude: with ReLU between layers nothing is negative anywhere. Where
  /// gradients do not fit single precision all are divided by the same power of two, which changes no order.
  func synapticFlow(_ progress: Progress) throws -> [Tensor?] {
    let prepared = try DifferentiableModel(model, analysis)
    var runtime = options.runtime
    runtime.precision = .double
    let inputs = try flowInputs()
    let outputs = model.graph.outputs.map(\.value).filter { analysis.facts[$0.index].type?.isFloatingPoint ?? true }
    let parameters: Parameters
    var gradients: [[Double]] = []
    do throws(RuntimeError) {
      parameters = try Parameters(of: prepared.model, precision: .double)
      Self.makePositive(parameters, of: prepared.model)
      let program = try TrainingProgram(
        prepared.model, minimizing: .outside(outputs), parameters: parameters, inputShapes: inputs.mapValues(\.shape),
        normalizesByBatch: false, dropsOut: false, options: runtime)
      let results = try program.forward(inputs)
      try program.backward(from: results.map { Self.ones($0.shape) })
      for parameter in parameters.trained {
        var gradient = [Double](repeating: 0, count: parameter.count)
        program.addGradient(of: parameter, times: 1, to: &gradient)
        gradients.append(gradient)
      }
    } catch {
      throw TrainingError(differentiating: error)
    }
    try progress("synaptic flow", 1, 1)
    return prepared.tensors(Self.fitting(gradients), of: parameters)
  }

  private static func makePositive(_ parameters: Parameters, of model: Model) {
    for parameter in parameters.trained {
      parameters.set(parameters.elements(of: parameter).map { abs($0) }, of: parameter)
    }
    let normalizations = model.graph.nodes.filter { $0.opType == "BatchNormalization" && $0.canonicalDomain.isEmpty }
    let means = Set(normalizations.compactMap { $0.input(3) })
    for parameter in parameters.all where means.contains(parameter.value) {
      parameters.set([Double](repeating: 0, count: parameter.count), of: parameter)
    }
  }

  private static func fitting(_ gradients: [[Double]]) -> [[Double]] {
    let largest = gradients.reduce(0.0) { $1.reduce($0) { max($0, abs($1)) } }
    guard largest > 0x1p100, largest.isFinite else { return gradients }
    let factor = Double(sign: .plus, exponent: -Int(largest.exponent), significand: 1)
    return gradients.map { $0.map { $0 * factor } }
  }

  private static func ones(_ shape: [Int]) -> Tensor {
    Tensor(floats: [Float](repeating: 1, count: shape.reduce(1, *)), shape: shape)
  }

  // MARK: Inputs

  private func flowInputs() throws(TrainingError) -> [String: Tensor] {
    let given = Set(model.graph.initializers.map(\.value))
    let example = try data.map { data throws(TrainingError) in try data.samples(0..<1).inputs }
    var inputs: [String: Tensor] = [:]
    for info in model.graph.inputs where !given.contains(info.value) {
      let name = model.name(of: info.value)
      guard let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:)) else {
        throw TrainingError(.model, "input \(name) is no tensor of a known type")
      }
      let shape = try flowShape(of: info, like: example?[name]?.shape)
      inputs[name] = try Self.flowInput(name, type, shape)
    }
    return inputs
  }

  /// One sample, or as many as the model is fixed to; other sizes the model leaves open are those of data, where there
  /// are any, or those costs are counted for.
  private func flowShape(of info: ValueInfo, like example: [Int]?) throws(TrainingError) -> [Int] {
    let name = model.name(of: info.value)
    guard let sizes = analysis.facts[info.value.index].shape else {
      guard let example else {
        throw TrainingError(.settings, "input \(name) has no declared shape; give data, which have one (--data)")
      }
      return example
    }
    var shape: [Int] = []
    for (axis, size) in sizes.enumerated() {
      let assumed = size.symbol.flatMap { analysis.assumptions[$0] }
      let exemplary = example.flatMap { $0.count == sizes.count ? $0[axis] : nil }
      guard let number = size.known ?? (axis == 0 ? 1 : exemplary ?? assumed) else {
        throw TrainingError(
          .settings, "axis \(axis) of input \(name) is open; give its shape (--input-shape), or data (--data)")
      }
      shape.append(number)
    }
    return shape
  }

  private static func flowInput(_ name: String, _ type: DataType, _ shape: [Int]) throws(TrainingError) -> Tensor {
    switch type {
    case .float, .float16, .bfloat16: return ones(shape)
    case .double: return ones(shape).converted(to: .double) ?? ones(shape)
    default:
      guard type != .string, !type.isFloatingPoint, let bytes = type.byteCount(elements: shape.reduce(1, *)) else {
        throw TrainingError(.model, "input \(name) is \(type), for which the flow has no number to start from")
      }
      let zeros = [UInt8](repeating: 0, count: bytes)
      return Tensor(name: name, dataType: type, shape: shape, storage: .bytes(ByteRegion(copying: zeros)))
    }
  }
}
