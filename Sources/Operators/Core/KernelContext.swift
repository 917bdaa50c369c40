import IR
import Kernels

/// What an operator sees while its kernel is made: types and shapes of all its tensors, and the contents of inputs that
/// are known already.
public struct KernelContext {
  /// A tensor of a running model.
  public struct Operand {
    /// The type the model says.
    public var declaredType: DataType
    /// The type of the elements in memory: `float` for `float16` and `bfloat16`, and `double` for all of them when a
    /// model runs in double precision; one byte, 0 or 1, for `bool`; otherwise as declared.
    public var type: DataType
    public var shape: [Int]
    /// The elements, where they are known while the kernel is made. Kernels must not keep the pointer.
    public var contents: UnsafeRawBufferPointer?

    public init(declaredType: DataType, type: DataType, shape: [Int], contents: UnsafeRawBufferPointer? = nil) {
      self.declaredType = declaredType
      self.type = type
      self.shape = shape
      self.contents = contents
    }

    public var count: Int { shape.reduce(1, *) }
    public var rank: Int { shape.count }
  }

  public var node: Node
  /// Version of the operator set of the node's domain.
  public var opset: Int64
  /// By position; `nil` where the node leaves one out.
  public var inputs: [Operand?]
  public var outputs: [Operand?]

  public init(node: Node, opset: Int64, inputs: [Operand?], outputs: [Operand?]) {
    self.node = node
    self.opset = opset
    self.inputs = inputs
    self.outputs = outputs
  }

  public func has(_ input: Int) -> Bool { input < inputs.count && inputs[input] != nil }

  public func hasOutput(_ output: Int) -> Bool { output < outputs.count && outputs[output] != nil }

  /// An input the operator cannot do without.
  public func input(_ index: Int) throws(KernelError) -> Operand {
    guard index < inputs.count, let operand = inputs[index] else { throw .invalid("input \(index) is missing") }
    return operand
  }

  public func output(_ index: Int = 0) throws(KernelError) -> Operand {
    guard index < outputs.count, let operand = outputs[index] else { throw .invalid("output \(index) is missing") }
    return operand
  }

  /// The floating-point type an input is computed in.
  public func real(_ input: Int) throws(KernelError) -> any Real.Type {
    try Self.real(self.input(input).type)
  }

  public static func real(_ type: DataType) throws(KernelError) -> any Real.Type {
    switch type {
    case .float: Float.self
    case .double: Double.self
    default: throw .unsupported("elements of type \(type)")
    }
  }

  /// Matrix products by OpenBLAS.
  /// - Throws: where the library cannot be loaded.
  public func matrixProduct() throws(KernelError) -> MatrixProduct {
    do { return MatrixProduct(try BLAS.shared()) } catch { throw .unsupported(error.description) }
  }

  /// The contents of an integer or boolean input.
  /// - Returns: `nil` where the node leaves it out.
  /// - Throws: ``KernelError/needsContents(input:)`` where they are not known yet.
  public func ints(_ index: Int) throws(KernelError) -> [Int]? {
    guard has(index), let operand = inputs[index] else { return nil }
    guard let bytes = operand.contents else { throw .needsContents(input: index) }
    switch operand.type {
    case .int64: return bytes.bindMemory(to: Int64.self).map { Int($0) }
    case .int32: return bytes.bindMemory(to: Int32.self).map { Int($0) }
    case .int16: return bytes.bindMemory(to: Int16.self).map { Int($0) }
    case .uint16: return bytes.bindMemory(to: UInt16.self).map { Int($0) }
    case .int8: return bytes.bindMemory(to: Int8.self).map { Int($0) }
    case .uint8, .bool: return bytes.map { Int($0) }
    case .uint32: return bytes.bindMemory(to: UInt32.self).map { Int($0) }
    case .uint64: return bytes.bindMemory(to: UInt64.self).map { Int(truncatingIfNeeded: $0) }
    default: throw .unsupported("input \(index) of type \(operand.type) where integers are expected")
    }
  }

  /// Integers an operator takes as an input in newer operator sets and as an attribute in older ones.
  public func ints(input index: Int, orAttribute name: String) throws(KernelError) -> [Int]? {
    if has(index) { return try ints(index) }
    return node.ints(name)?.map { Int($0) }
  }

  /// The contents of an input as numbers, whatever its type.
  /// - Returns: `nil` where the node leaves it out.
  /// - Throws: ``KernelError/needsContents(input:)`` where they are not known yet.
  public func doubles(_ index: Int) throws(KernelError) -> [Double]? {
    guard has(index), let operand = inputs[index] else { return nil }
    guard let bytes = operand.contents else { throw .needsContents(input: index) }
    switch operand.type {
    case .float: return bytes.bindMemory(to: Float.self).map { Double($0) }
    case .double: return Array(bytes.bindMemory(to: Double.self))
    default: return try ints(index)?.map { Double($0) }
    }
  }

  /// The axis `axis` counts to in a tensor of `rank` axes, negative numbers from the end.
  public func axis(_ axis: Int64, rank: Int) throws(KernelError) -> Int {
    let index = axis < 0 ? Int(axis) + rank : Int(axis)
    guard index >= 0, index < max(rank, 1) else { throw .invalid("axis \(axis) is outside a tensor of \(rank) axes") }
    return index
  }
}
