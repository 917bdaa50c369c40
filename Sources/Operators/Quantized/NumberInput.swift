import IR
import Kernels

/// An input of scales or zero points, read while a kernel runs, whatever its type.
struct NumberInput: Sendable {
  let index: Int
  let type: DataType
  let count: Int

  /// `nil` where the node leaves the input out.
  init?(_ context: KernelContext, _ index: Int) {
    guard context.has(index), let operand = context.inputs[index] else { return nil }
    (self.index, type, count) = (index, operand.type, operand.count)
  }

  func floats(_ arguments: KernelArguments) -> [Float] {
    switch type {
    case .float: Array(UnsafeBufferPointer(start: arguments.input(index, as: Float.self), count: count))
    case .double: read(arguments, Double.self) { Float($0) }
    default: ints(arguments).map { Float($0) }
    }
  }

  /// In double precision, which models may run in.
  func doubles(_ arguments: KernelArguments) -> [Double] {
    type == .double ? read(arguments, Double.self) { $0 } : floats(arguments).map { Double($0) }
  }

  func ints(_ arguments: KernelArguments) -> [Int32] {
    switch type {
    case .uint8: read(arguments, UInt8.self) { Int32($0) }
    case .int8: read(arguments, Int8.self) { Int32($0) }
    case .uint16: read(arguments, UInt16.self) { Int32($0) }
    case .int16: read(arguments, Int16.self) { Int32($0) }
    case .int32: read(arguments, Int32.self) { $0 }
    default: [Int32](repeating: 0, count: count)
    }
  }

  private func read<T: BitwiseCopyable, Number>(
    _ arguments: KernelArguments, _ type: T.Type, _ convert: (T) -> Number
  ) -> [Number] {
    UnsafeBufferPointer(start: arguments.input(index, as: T.self), count: count).map(convert)
  }
}

/// A scale and a zero point of a whole tensor.
struct Quantization: Sendable {
  let scale: NumberInput
  let zeroPoint: NumberInput?

  /// - Parameter type: that of the tensor, which its zero point shares.
  init(_ context: KernelContext, scale: Int, zeroPoint: Int, type: DataType) throws(KernelError) {
    _ = try KernelContext.byte(type)
    try context.check(zeroPoint, "a zero point", counts: [1], type: type)
    guard let scale = NumberInput(context, scale), scale.count == 1 else {
      throw .unsupported("a scale that is not one number")
    }
    self.scale = scale
    self.zeroPoint = NumberInput(context, zeroPoint)
  }

  func values(_ arguments: KernelArguments) -> (scale: Float, zero: Int32) {
    (scale.floats(arguments)[0], zeroPoint?.ints(arguments).first ?? 0)
  }

  func scaling(_ arguments: KernelArguments) -> ByteArithmetic.Scaling {
    let (scale, zero) = values(arguments)
    return ByteArithmetic.Scaling(scale: scale, zero: zero)
  }
}

extension KernelContext {
  /// Refuses an input whose number of elements is none of `counts`, or whose type is another one; an input that is left
  /// out is fine.
  func check(_ index: Int, _ what: String, counts: [Int], type: DataType? = nil) throws(KernelError) {
    guard has(index) else { return }
    let operand = try input(index)
    guard counts.contains(operand.count) else {
      let expected = Set(counts).sorted().map { "\($0)" }.joined(separator: " or ")
      throw .invalid("\(what) of shape \(operand.shape), expected \(expected) elements")
    }
    if let type, operand.type != type { throw .invalid("\(what) of type \(operand.type), expected \(type)") }
  }

  /// The type of an input of integers of 32 or 64 bits.
  func integerType(_ index: Int) throws(KernelError) -> DataType {
    let type = try input(index).type
    guard type == .int32 || type == .int64 else {
      throw .invalid("input \(index) is of type \(type), expected int32 or int64")
    }
    return type
  }

  /// The floating-point type of the first output.
  func outputReal() throws(KernelError) -> any Real.Type { try Self.real(output().type) }

  /// The types of bytes, opened for a generic kernel.
  static func byte(_ type: DataType) throws(KernelError) -> any QuantizedInteger.Type {
    switch type {
    case .uint8: UInt8.self
    case .int8: Int8.self
    default: throw .unsupported("quantized elements of type \(type)")
    }
  }

  /// The types numbers are quantized to, opened for a generic kernel.
  static func quantized(_ type: DataType) throws(KernelError) -> any QuantizedInteger.Type {
    switch type {
    case .uint8: UInt8.self
    case .int8: Int8.self
    case .uint16: UInt16.self
    case .int16: Int16.self
    case .int32: Int32.self
    default: throw .unsupported("quantized elements of type \(type)")
    }
  }
}
