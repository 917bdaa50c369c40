import IR
import Kernels

extension Constant {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    guard case .tensor(let tensor) = context.node.attribute("value") else {
      if let value = context.node.float("value_float") { return numbers([value], output.type) }
      if case .floats(let values) = context.node.attribute("value_floats") { return numbers(values, output.type) }
      if let values = context.node.ints("value_ints") ?? context.node.int("value_int").map({ [$0] }) {
        return Kernel { arguments throws(KernelError) in
          for (index, value) in values.enumerated() { arguments.output(0, as: Int64.self)[index] = value }
        }
      }
      throw .unsupported("a constant of this kind")
    }
    guard let region = tensor.contiguousBytes() else { throw .unsupported("a constant of strings") }
    try Self.check(tensor, region)
    let (declared, type, count) = (tensor.dataType, output.type, tensor.elementCount)
    return Kernel { arguments throws(KernelError) in
      let target = arguments.rawOutput(0)
      region.withUnsafeBytes { ElementConversion.widen($0, declared, into: target, type, count: count) }
    }
  }

  /// Refuses a tensor that holds fewer bytes than its elements take.
  static func check(_ tensor: Tensor, _ region: ByteRegion) throws(KernelError) {
    guard let bytes = tensor.dataType.byteCount(elements: tensor.elementCount), region.count >= bytes else {
      throw .invalid("its value of shape \(tensor.shape) and type \(tensor.dataType) has \(region.count) bytes")
    }
  }

  private func numbers(_ values: [Float], _ type: DataType) -> Kernel {
    Kernel { arguments throws(KernelError) in
      for (index, value) in values.enumerated() {
        if type == .double {
          arguments.output(0, as: Double.self)[index] = Double(value)
        } else {
          arguments.output(0, as: Float.self)[index] = value
        }
      }
    }
  }
}

extension ConstantOfShape {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    let width = try Moving.width(output)
    var pattern = [UInt8](repeating: 0, count: width)
    if case .tensor(let tensor) = context.node.attribute("value"), let region = tensor.contiguousBytes() {
      do { try Self.check(tensor) } catch { throw .invalid(error.message) }
      try Constant.check(tensor, region)
      pattern.withUnsafeMutableBytes { target in
        guard let base = target.baseAddress else { return }
        region.withUnsafeBytes { ElementConversion.widen($0, tensor.dataType, into: base, output.type, count: 1) }
      }
    }
    let fill = StridedCopy(
      shape: output.shape, source: output.shape.map { _ in 0 }, elementBytes: width)
    return Kernel { [pattern] arguments throws(KernelError) in
      pattern.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        fill(base, arguments.rawOutput(0), arguments.workers)
      }
    }
  }
}

extension Shape {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let shape = try context.input(0).shape
    func bound(_ name: String, _ missing: Int) -> Int {
      let value = context.node.int(name).map { Int($0) } ?? missing
      return min(max(value < 0 ? value + shape.count : value, 0), shape.count)
    }
    let (start, end) = (bound("start", 0), bound("end", shape.count))
    let sizes = start < end ? Array(shape[start..<end]) : []
    return Kernel { arguments throws(KernelError) in
      for (index, size) in sizes.enumerated() { arguments.output(0, as: Int64.self)[index] = Int64(size) }
    }
  }
}

extension SizeOperator {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let count = try context.input(0).count
    return Kernel { arguments throws(KernelError) in arguments.output(0, as: Int64.self)[0] = Int64(count) }
  }
}
