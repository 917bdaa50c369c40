import IR
import TestSupport
import Testing

@testable import Runtime

/// A small model, what fusing leaves of it, and whether it still computes what was written.
struct FusionCase {
  private let model: Model

  /// - Parameter numbers: the number in every element of a constant, by its name.
  init(_ text: String, numbers: [String: Float] = [:], opset: Int64 = 17) throws {
    var model = try GraphText.model(text, opset: opset)
    func filled(_ tensor: Tensor) -> Tensor {
      guard let number = numbers[tensor.name ?? ""] else { return tensor }
      return Tensor(
        name: tensor.name, floats: [Float](repeating: number, count: tensor.elementCount), shape: tensor.shape)
    }
    for index in model.graph.initializers.indices {
      model.graph.initializers[index].tensor = filled(model.graph.initializers[index].tensor)
    }
    for index in model.graph.nodes.indices {
      guard case .tensor(let tensor) = model.graph.nodes[index].attribute("value") else { continue }
      model.graph.nodes[index].setAttribute("value", .tensor(filled(tensor)))
    }
    self.model = model
  }

  /// - Parameter trained: names of the initializers that training changes.
  func fused(_ rules: [any FusionRule] = Fusion.inference, trained: Set<String> = []) -> Model {
    let weights = model.graph.initializers.map(\.value).filter { trained.contains(model.name(of: $0)) }
    return Fusion.apply(rules, to: model, keeping: [], trained: Set(weights))
  }

  /// The operators that are left, without constants.
  func kinds(_ rules: [any FusionRule] = Fusion.inference, trained: Set<String> = []) -> [String] {
    fused(rules, trained: trained).graph.nodes.map(\.opType).filter { $0 != "Constant" }
  }

  /// The names of the initializers that are left.
  func initializers(_ rules: [any FusionRule] = Fusion.inference) -> [String] {
    let fused = fused(rules)
    return fused.graph.initializers.map { fused.name(of: $0.value) }
  }

  /// Holds the session, which fuses all it can, against one that is given nothing to fuse: every value is an output.
  func expectEqualResults(options: RuntimeOptions = RuntimeOptions()) throws {
    var open = model
    let shown = Set(model.graph.outputs.map(\.value))
    for node in model.graph.nodes {
      for case let output? in node.outputs where !shown.contains(output) {
        open.graph.outputs.append(ValueInfo(value: output, type: nil))
      }
    }
    let inputs = Dictionary(
      uniqueKeysWithValues: model.graph.inputs.map { info in (model.name(of: info.value), Self.ramp(info)) })
    let fused = try Session(model, options: options).run(inputs)
    let plain = try Session(open, options: options).run(inputs)
    for info in model.graph.outputs {
      let name = model.name(of: info.value)
      let (a, b) = (try #require(fused[name]), try #require(plain[name]))
      #expect(a.shape == b.shape && a.elementCount > 0)
      for (x, y) in zip(a.numbers, b.numbers) { #expect(abs(x - y) <= 1e-5 * max(1, abs(y))) }
    }
  }

  /// Numbers around zero for an input whose sizes are given.
  private static func ramp(_ info: ValueInfo) -> Tensor {
    let shape = (info.type?.tensor?.shape ?? []).map { size in
      if case .known(let number) = size.extent { Int(number) } else { 2 }
    }
    return Tensor(floats: (0..<shape.reduce(1, *)).map { Float(($0 * 37) % 29) / 7 - 2 }, shape: shape)
  }
}

extension Tensor {
  var numbers: [Double] {
    guard let value = try? RuntimeValue(self, precision: .double) else { return [] }
    return withExtendedLifetime(value.buffer) {
      (0..<elementCount).map { index in
        switch value.type {
        case .int64: Double(value.buffer.start.load(fromByteOffset: index * 8, as: Int64.self))
        default: value.buffer.start.load(fromByteOffset: index * 8, as: Double.self)
        }
      }
    }
  }
}
