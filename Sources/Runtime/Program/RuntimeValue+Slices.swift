import IR

/// What control flow does with tensors.
extension RuntimeValue {
  init(integer: Int) throws(RuntimeError) {
    try self.init(declaredType: .int64, shape: [], precision: .single)
    buffer.start.storeBytes(of: Int64(integer), as: Int64.self)
  }

  init(truth: Bool) throws(RuntimeError) {
    try self.init(declaredType: .bool, shape: [], precision: .single)
    buffer.start.storeBytes(of: truth ? 1 : 0, as: UInt8.self)
  }

  /// The one boolean it holds.
  var truth: Bool? { type == .bool && count == 1 ? buffer.start.load(as: UInt8.self) != 0 : nil }

  /// The one integer it holds.
  var integer: Int? {
    guard count == 1 else { return nil }
    return switch type {
    case .int64: Int(buffer.start.load(as: Int64.self))
    case .int32: Int(buffer.start.load(as: Int32.self))
    default: nil
    }
  }

  /// The sum of all its numbers.
  var sum: Double {
    switch type {
    case .float:
      UnsafeBufferPointer(start: buffer.start.assumingMemoryBound(to: Float.self), count: count)
        .reduce(0) { $0 + Double($1) }
    case .double:
      UnsafeBufferPointer(start: buffer.start.assumingMemoryBound(to: Double.self), count: count).reduce(0, +)
    default: .nan
    }
  }

  /// The elements at one index of an axis, without that axis.
  func slice(_ index: Int, axis: Int) throws(RuntimeError) -> RuntimeValue {
    let width = RuntimeValue.elementBytes(type) ?? 1
    var rest = shape
    rest.remove(at: axis)
    let result = RuntimeValue(
      buffer: try Buffer(byteCount: rest.reduce(width, *)), type: type, declaredType: declaredType, shape: rest)
    let inner = shape[(axis + 1)...].reduce(width, *)
    let outer = shape[..<axis].reduce(1, *)
    for row in 0..<outer {
      (result.buffer.start + row * inner).copyMemory(
        from: buffer.start + (row * shape[axis] + index) * inner, byteCount: inner)
    }
    return result
  }

  /// Slices side by side along a new axis. Without any, an empty tensor of the declared type.
  static func stacked(
    _ slices: [RuntimeValue], axis: Int, emptyLike info: ValueInfo, isReversed: Bool, precision: Precision
  ) throws(RuntimeError) -> RuntimeValue {
    guard let first = slices.first else {
      let declared = info.type?.tensor
      let sizes = declared?.shape?.map { size in if case .known(let known) = size.extent { Int(known) } else { 0 } }
      let type = declared?.elementType.flatMap(DataType.init(rawValue:)) ?? .float
      var shape = sizes ?? []
      shape.insert(0, at: min(axis, shape.count))
      return try RuntimeValue(declaredType: type, shape: shape, precision: precision)
    }
    guard slices.allSatisfy({ $0.shape == first.shape && $0.type == first.type }) else {
      throw RuntimeError("iterations return slices of different shapes")
    }
    let width = RuntimeValue.elementBytes(first.type) ?? 1
    var shape = first.shape
    shape.insert(slices.count, at: axis)
    let inner = first.shape[axis...].reduce(width, *)
    let outer = first.shape[..<axis].reduce(1, *)
    guard let bytes = byteCount(first.type, shape) else {
      throw RuntimeError("\(slices.count) slices of shape \(first.shape) cannot be held in memory")
    }
    let buffer = try Buffer(byteCount: bytes, for: "what its iterations return")
    for (index, slice) in (isReversed ? slices.reversed() : slices).enumerated() {
      for row in 0..<outer {
        (buffer.start + (row * slices.count + index) * inner).copyMemory(
          from: slice.buffer.start + row * inner, byteCount: inner)
      }
    }
    return RuntimeValue(buffer: buffer, type: first.type, declaredType: first.declaredType, shape: shape)
  }
}
