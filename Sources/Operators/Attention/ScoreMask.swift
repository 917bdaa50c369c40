import IR
import Kernels

/// Something added to scores, as an input spells it.
struct ScoreMask: Sendable {
  enum Spelling: Sendable, Equatable {
    /// Numbers to add.
    case numbers
    /// What is zero gets the filter added.
    case flags(DataType)
    /// The number of keys of each sample; the others get the filter added. With starts, a second number says which key
    /// is the first one.
    case ends(hasStarts: Bool)
  }

  var input: Int
  var spelling: Spelling
  /// Elements of the mask once it is made of numbers.
  var count: Int
  var strides: HeadStrides
  var column = 1
  /// How many keys it speaks of.
  var columns: Int
  var filter = 0.0
  /// Where numbers are made from other spellings.
  var place: TensorPlace?

  /// A mask that broadcasts to `[batch, heads, queries, keys]`, though it may speak of other keys.
  init(
    broadcasting operand: KernelContext.Operand, input: Int, spelling: Spelling, filter: Double = 0,
    sizes: AttentionSizes, scratch: inout ScratchLayout, elementBytes: Int
  ) throws(KernelError) {
    let (shape, keys) = (operand.shape, sizes.keys)
    guard shape.count <= 4 else { throw .unsupported("a mask of \(shape.count) axes") }
    let expected: DataType = spelling == .flags(.bool) ? .bool : elementBytes == 8 ? .double : .float
    guard operand.type == expected else { throw .invalid("a mask of type \(operand.type), expected \(expected)") }
    let full = [Int](repeating: 1, count: 4 - shape.count) + shape
    for (axis, size) in [sizes.batch, sizes.heads, sizes.queries].enumerated() where ![1, size].contains(full[axis]) {
      throw .invalid(
        "a mask of shape \(shape) for scores of shape \([sizes.batch, sizes.heads, sizes.queries, keys])")
    }
    var steps = [Int](repeating: 0, count: 4)
    var step = 1
    for axis in (0..<4).reversed() {
      steps[axis] = full[axis] == 1 ? 0 : step
      step *= full[axis]
    }
    (self.input, self.spelling, self.filter, count) = (input, spelling, filter, step)
    strides = HeadStrides(batch: steps[0], head: steps[1], row: steps[2])
    (column, columns) = (full[3] == 1 && keys != 1 ? 0 : 1, full[3] == 1 ? keys : full[3])
    if spelling != .numbers { place = scratch.reserve(count * elementBytes) }
  }

  /// A mask of integers as contrib operators take it: `[batch, keys]` flags, `[batch, queries, keys]` flags, or ends.
  init(
    contrib operand: KernelContext.Operand, input: Int, filter: Double, sizes: AttentionSizes,
    scratch: inout ScratchLayout, elementBytes: Int
  ) throws(KernelError) {
    guard operand.type == .int32 || operand.shape.count > 1 && [.int64, .bool].contains(operand.type) else {
      throw .invalid("a mask of type \(operand.type), expected int32")
    }
    (self.input, self.filter, columns) = (input, filter, sizes.keys)
    switch operand.shape.count {
    case 1 where operand.shape[0] == sizes.batch || operand.shape[0] == 2 * sizes.batch:
      spelling = .ends(hasStarts: operand.shape[0] != sizes.batch)
      (count, strides) = (sizes.batch * sizes.keys, HeadStrides(batch: sizes.keys, head: 0, row: 0))
    case 2 where operand.shape[0] == sizes.batch:
      (spelling, count, columns) = (.flags(operand.type), operand.count, operand.shape[1])
      strides = HeadStrides(batch: operand.shape[1], head: 0, row: 0)
    case 3 where operand.shape[0] == sizes.batch && operand.shape[1] == sizes.queries:
      (spelling, count, columns) = (.flags(operand.type), operand.count, operand.shape[2])
      strides = HeadStrides(batch: operand.shape[1] * operand.shape[2], head: 0, row: operand.shape[2])
    default:
      throw .unsupported("a mask of shape \(operand.shape)")
    }
    place = scratch.reserve(count * elementBytes)
  }

  /// Makes numbers of other spellings.
  func prepare<T: Real>(_ arguments: KernelArguments) -> ScoreBias<T> {
    guard let place else {
      return ScoreBias(arguments.input(input), strides, column: column, columns: columns)
    }
    let numbers: UnsafeMutablePointer<T> = place.elements(arguments)
    switch spelling {
    case .numbers: break
    case .flags(.bool): fill(numbers, arguments.input(input, as: UInt8.self))
    case .flags(.int64): fill(numbers, arguments.input(input, as: Int64.self))
    case .flags: fill(numbers, arguments.input(input, as: Int32.self))
    case .ends(let hasStarts): fillEnds(numbers, arguments.input(input), hasStarts)
    }
    return ScoreBias(UnsafePointer(numbers), strides, column: column, columns: columns)
  }

  private func fill<T: Real, Flag: FixedWidthInteger>(_ numbers: UnsafeMutablePointer<T>, _ flags: UnsafePointer<Flag>)
  {
    for index in 0..<count { numbers[index] = flags[index] > 0 ? 0 : T(filter) }
  }

  private func fillEnds<T: Real>(_ numbers: UnsafeMutablePointer<T>, _ ends: UnsafePointer<Int32>, _ hasStarts: Bool) {
    let batch = columns > 0 ? count / columns : 0
    for sample in 0..<batch {
      let start = hasStarts ? Int(ends[batch + sample]) : 0
      for key in 0..<columns {
        numbers[sample * columns + key] = key >= start && key < Int(ends[sample]) ? 0 : T(filter)
      }
    }
  }
}
