import Dimensions
import IR

/// `Constant`: a tensor in an attribute. The driver makes its axes, as it does for initializers.
public struct Constant: Operator {
  public let names = [OperatorName("Constant")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if case .tensor(let tensor) = context.node.attribute("value") {
      context.setOutput(
        type: tensor.dataType, shape: tensor.shape.map { .known($0) }, contents: tensor.smallContents)
    } else if let value = context.node.int("value_int") {
      context.setOutput(type: .int64, shape: [], contents: [.int(Int(value))])
    } else if let values = context.node.ints("value_ints") {
      context.setOutput(type: .int64, shape: [.known(values.count)], contents: values.map { .int(Int($0)) })
    } else if let value = context.node.float("value_float") {
      context.setOutput(type: .float, shape: [], contents: [.real(Double(value))])
    } else if case .floats(let values) = context.node.attribute("value_floats") {
      context.setOutput(type: .float, shape: [.known(values.count)], contents: values.map { .real(Double($0)) })
    } else if context.node.attribute("value_string") != nil {
      context.setOutput(type: .string, shape: [])
    } else if case .strings(let values) = context.node.attribute("value_strings") {
      context.setOutput(type: .string, shape: [.known(values.count)])
    } else if context.node.attribute("sparse_value") == nil {
      throw OperatorError("it has no value")
    }
  }

  public func relateAxes(_ context: inout AxisContext) { context.setFixedOutput("it is a constant") }
}

extension Node {
  /// The numbers a `Constant` node holds as a tensor, however it spells them; `nil` for other nodes and for strings.
  public var constantTensor: Tensor? {
    guard opType == "Constant", canonicalDomain == "" else { return nil }
    if case .tensor(let tensor) = attribute("value") { return tensor }
    if case .floats(let values) = attribute("value_floats") {
      let region = values.withUnsafeBytes { ByteRegion(copying: $0) }
      return Tensor(dataType: .float, shape: [values.count], storage: .bytes(region))
    }
    return ints("value_ints").map { Tensor(int64s: $0) }
  }

  /// Makes a `Constant` node hold a tensor.
  public mutating func setConstantTensor(_ tensor: Tensor) {
    attributes.removeAll { $0.name.hasPrefix("value_") }
    setAttribute("value", .tensor(tensor))
  }
}

extension Tensor {
  /// The elements of a tensor small enough to be part of shape arithmetic.
  public var smallContents: [Element]? {
    let count = elementCount
    guard count <= (dataType.isFloatingPoint ? 16 : Arithmetic.elementLimit), let bytes = contiguousBytes(),
      let width = dataType.byteWidth, bytes.count == count * width
    else { return nil }
    return bytes.withUnsafeBytes { bytes -> [Element]? in
      switch dataType {
      case .int64: (0..<count).map { .int(Int(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))) }
      case .int32: (0..<count).map { .int(Int(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))) }
      case .bool, .uint8: (0..<count).map { .int(Int(bytes[$0])) }
      case .float:
        (0..<count).map { .real(Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self))) }
      case .double: (0..<count).map { .real(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)) }
      default: nil
      }
    }
  }
}
