import Analysis
import Dimensions
import IR
import Operators

/// A model with the sizes of its inputs given, and all that follows from them.
struct BoundModel {
  let model: Model
  let facts: [Facts]
  /// Of the model's own graph.
  let order: [Int]

  /// - Parameter inputs: type and shape of every graph input that no initializer stands in for.
  init(
    _ model: Model, inputs: [ValueID: (type: DataType, shape: [Int])], registry: OperatorRegistry
  ) throws(RuntimeError) {
    var bound = model
    let symbols = try Self.symbols(of: model, inputs)
    func bind(_ info: inout ValueInfo) {
      if let input = inputs[info.value] {
        let sizes = input.shape.map { DeclaredSize(.known(Int64($0))) }
        info.type = ValueType(tensor: TensorType(elementType: input.type.rawValue, shape: sizes))
        return
      }
      guard let shape = info.type?.tensor?.shape else { return }
      info.type?.tensor?.shape = shape.map { size in
        guard case .symbol(let name) = size.extent, let number = symbols[name] else { return size }
        return DeclaredSize(.known(Int64(number)))
      }
    }
    for index in bound.graph.inputs.indices { bind(&bound.graph.inputs[index]) }
    for index in bound.graph.outputs.indices { bind(&bound.graph.outputs[index]) }
    // What the model notes of values in between may be wrong for these sizes, and follows from the inputs.
    bound.graph.valueInfo = []
    self.model = bound
    do {
      facts = try ShapeInference(bound, registry: registry).facts
      order = try bound.graph.topologicalOrder()
    } catch let error as AnalysisError {
      throw RuntimeError(error)
    } catch {
      throw RuntimeError("\(error)")
    }
  }

  /// The numbers that named sizes stand for.
  private static func symbols(
    of model: Model, _ inputs: [ValueID: (type: DataType, shape: [Int])]
  ) throws(RuntimeError) -> [String: Int] {
    var symbols: [String: Int] = [:]
    for info in model.graph.inputs {
      guard let input = inputs[info.value], let declared = info.type?.tensor?.shape else { continue }
      let name = model.name(of: info.value)
      guard declared.count == input.shape.count else {
        throw RuntimeError(
          "input \(name) has \(declared.count) axes, the data \(input.shape.count) (shape \(input.shape))")
      }
      for (axis, (size, number)) in zip(declared, input.shape).enumerated() {
        switch size.extent {
        case .known(let known) where known >= 0 && Int(known) != number:
          throw RuntimeError("axis \(axis) of input \(name) has \(known) elements, the data has \(number)")
        case .symbol(let symbol) where !symbol.isEmpty:
          // Exporters reuse a name for sizes that differ; then it says nothing.
          if let other = symbols[symbol], other != number { symbols[symbol] = -1 } else { symbols[symbol] = number }
        default: break
        }
      }
    }
    return symbols.filter { $0.value >= 0 }
  }

  func shape(_ value: ValueID) -> [Int]? {
    guard let shape = facts[value.index].shape else { return nil }
    let known = shape.compactMap(\.known)
    return known.count == shape.count ? known : nil
  }

  func type(_ value: ValueID) -> DataType? { facts[value.index].type }

  func opset(of node: Node) -> Int64 { model.opset(node.canonicalDomain) ?? 1 }

  func isFunction(_ name: OperatorName) -> Bool {
    model.functions.contains { $0.name == name.type && ($0.domain == "ai.onnx" ? "" : $0.domain) == name.domain }
  }

  static let functionReason = "it is a function the model brings along"
  static let unknownReason = "it is not known"

  func label(_ node: Node) -> String {
    if let name = node.name, !name.isEmpty { return "\(name) (\(node.opType))" }
    let output = node.outputs.lazy.compactMap { $0 }.first.map { model.name(of: $0) } ?? "without outputs"
    return "\(node.opType) → \(output)"
  }
}
