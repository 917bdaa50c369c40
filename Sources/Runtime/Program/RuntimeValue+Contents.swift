import Dimensions
import IR
import Kernels
import Operators

extension RuntimeValue {
  /// Elements that shape inference knows; `nil` where one of them is not known, or of a type shapes are not made of.
  init?(_ contents: [Element], type: DataType, shape: [Int], precision: Precision) throws(RuntimeError) {
    let doubles = contents.compactMap(\.double)
    guard doubles.count == contents.count else { return nil }
    try self.init(declaredType: type, shape: shape, precision: precision)
    let start = buffer.start
    switch self.type {
    case .int64:
      for (index, element) in contents.enumerated() {
        guard case .int(.known(let number)) = element else { return nil }
        start.storeBytes(of: Int64(number), toByteOffset: index * 8, as: Int64.self)
      }
    case .int32:
      for (index, element) in contents.enumerated() {
        guard case .int(.known(let number)) = element, let narrow = Int32(exactly: number) else { return nil }
        start.storeBytes(of: narrow, toByteOffset: index * 4, as: Int32.self)
      }
    case .bool:
      for (index, value) in doubles.enumerated() {
        start.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: index, as: UInt8.self)
      }
    // Contents of floating types have gone through double precision; they are computed like all others.
    default: return nil
    }
  }

  /// The elements as shape inference sees them; `nil` for tensors too large to be shapes.
  var contents: [Element]? {
    guard count <= 4096 else { return nil }
    switch type {
    case .int64: return buffer.start.assumingMemoryBound(to: Int64.self).elements(count) { .int(Int($0)) }
    case .int32: return buffer.start.assumingMemoryBound(to: Int32.self).elements(count) { .int(Int($0)) }
    case .bool: return buffer.start.assumingMemoryBound(to: UInt8.self).elements(count) { .int(Int($0)) }
    case .float: return buffer.start.assumingMemoryBound(to: Float.self).elements(count) { .real(Double($0)) }
    case .double: return buffer.start.assumingMemoryBound(to: Double.self).elements(count) { .real($0) }
    default: return nil
    }
  }
}

extension UnsafeMutablePointer {
  fileprivate func elements(_ count: Int, _ convert: (Pointee) -> Element) -> [Element] {
    UnsafeBufferPointer(start: self, count: count).map(convert)
  }
}

extension Kernel {
  /// Runs on tensors outside of any program.
  func run(_ inputs: [RuntimeValue?], _ outputs: [RuntimeValue?], workers: Workers) throws(KernelError) {
    if sharing == .view {
      if let source = inputs.first.flatMap({ $0 }), let target = outputs.first.flatMap({ $0 }),
        source.buffer !== target.buffer
      {
        target.buffer.start.copyMemory(
          from: source.buffer.start, byteCount: RuntimeValue.byteCount(source.type, source.shape) ?? 0)
      }
      return
    }
    let pointers = inputs.map { $0?.buffer.start } + outputs.map { $0?.buffer.start }
    let scratch: Buffer
    do { scratch = try Buffer(byteCount: scratchBytes, for: "a kernel") } catch { throw .invalid(error.description) }
    try pointers.withUnsafeBufferPointer { pointers throws(KernelError) in
      // An empty list has no address; nothing is read from it then.
      guard let base = pointers.baseAddress else { return }
      try body(
        KernelArguments(
          inputs: base, outputs: base + inputs.count, scratch: scratch.start, workers: workers))
    }
    withExtendedLifetime((inputs, outputs)) {}
  }
}
