import IR
import Operators

/// A floating-point initializer that training changes.
public struct Parameter: Sendable, Hashable {
  public let value: ValueID
  public let name: String
  public let shape: [Int]

  public var count: Int { shape.reduce(1, *) }
}

/// Master copies, in single precision, of the floating-point initializers of a model.
///
/// Programs made with them read them where they are: what an optimizer writes is what the next step sees. One thread at
/// a time.
public final class Parameters {
  /// In the model's order. What is trained and what only follows the data (running statistics) are both here.
  public let all: [Parameter]
  /// Those that get gradients.
  public let trained: [Parameter]
  private let storage: [ValueID: RuntimeValue]
  private let declaredTypes: [ValueID: DataType]
  let precision: Precision

  /// - Parameters:
  ///   - precision: that of the programs made with them; optimizers need single precision.
  ///   - isTrained: whether an initializer of this name is trained. By default all are but the weights of classes in
  ///     losses, and single numbers that look like constants of the arithmetic: those that are no operand of a
  ///     normalization, of PRelu or of a product.
  /// - Throws: where an initializer cannot be held in memory.
  public init(
    of model: Model, precision: Precision = .single, where isTrained: ((String) -> Bool)? = nil
  ) throws(RuntimeError) {
    var storage: [ValueID: RuntimeValue] = [:]
    var types: [ValueID: DataType] = [:]
    var all: [Parameter] = []
    for initializer in model.graph.initializers {
      let tensor = initializer.tensor
      guard
        [.float, .float16, .bfloat16].contains(tensor.dataType) || (tensor.dataType == .double && precision == .double)
      else { continue }
      let stored = try RuntimeValue(tensor, precision: precision)
      // Tensors of the file are never written to.
      let copy = RuntimeValue(
        buffer: try Buffer(byteCount: stored.buffer.byteCount), type: stored.type, declaredType: stored.declaredType,
        shape: stored.shape)
      copy.buffer.start.copyMemory(from: stored.buffer.start, byteCount: stored.buffer.byteCount)
      storage[initializer.value] = copy
      types[initializer.value] = tensor.dataType
      all.append(
        Parameter(value: initializer.value, name: model.name(of: initializer.value), shape: tensor.shape))
    }
    self.storage = storage
    declaredTypes = types
    self.all = all
    self.precision = precision
    let statistics = TrainingMode.statistics(of: model)
    let scalars = isTrained == nil ? ScalarWeights.all(of: model) : []
    let classWeights = Self.classWeights(of: model)
    trained = all.filter { parameter in
      guard !statistics.contains(parameter.value) else { return false }
      if let isTrained { return isTrained(parameter.name) }
      return !classWeights.contains(parameter.value) && (parameter.count != 1 || scalars.contains(parameter.value))
    }
  }

  /// What losses weigh classes by: a setting, which training would make as small as it can.
  private static func classWeights(of model: Model) -> Set<ValueID> {
    let losses = model.graph.nodes.filter {
      $0.canonicalDomain.isEmpty && ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"].contains($0.opType)
    }
    return Set(losses.compactMap { $0.input(2) })
  }

  var variables: [ValueID: RuntimeValue] { storage }

  /// The elements of a parameter, to read or to change.
  public func withValues<Result, Failure: Error>(
    of parameter: Parameter, _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let value = storage[parameter.value], value.type == .float else {
      return try body(UnsafeMutableBufferPointer(start: nil, count: 0))
    }
    return try body(
      UnsafeMutableBufferPointer(start: value.buffer.start.assumingMemoryBound(to: Float.self), count: value.count))
  }

  /// Writes the values back into a model, in the types it stores them in.
  public func write(into model: inout Model) {
    for index in model.graph.initializers.indices {
      let initializer = model.graph.initializers[index]
      guard let value = storage[initializer.value] else { continue }
      var tensor = value.tensor(named: initializer.tensor.name)
      tensor.docString = initializer.tensor.docString
      tensor.carried = initializer.tensor.carried
      model.graph.initializers[index].tensor = tensor
    }
  }

  var byteCount: Int { storage.values.reduce(0) { $0 + $1.buffer.byteCount } }
}
