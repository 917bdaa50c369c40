import Kernels

/// The rows of a result of broadcasting, and where each operand's row begins.
struct BroadcastStrides: Sendable {
  let rows: Int
  let width: Int
  /// For each operand, the elements between neighbours of a row: 0 or 1.
  let steps: [Int]
  private let leading: [Int]
  private let strides: [[Int]]

  init(_ shapes: [[Int]], to result: [Int]) throws(KernelError) {
    let result = result.isEmpty ? [1] : result
    for shape in shapes {
      let fits = zip(shape.reversed(), result.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
      guard fits, shape.count <= result.count else {
        throw .invalid("an operand of shape \(shape) does not broadcast to \(result)")
      }
    }
    leading = Array(result.dropLast())
    rows = leading.reduce(1, *)
    width = result[result.count - 1]
    var (strides, steps): ([[Int]], [Int]) = ([], [])
    for shape in shapes {
      let full = [Int](repeating: 1, count: result.count - shape.count) + shape
      var own = [Int](repeating: 0, count: result.count)
      var step = 1
      for axis in full.indices.reversed() {
        own[axis] = full[axis] == 1 ? 0 : step
        step *= full[axis]
      }
      steps.append(own.removeLast())
      strides.append(own)
    }
    (self.strides, self.steps) = (strides, steps)
  }

  func start(_ operand: Int, row: Int) -> Int {
    var (rest, start) = (row, 0)
    for axis in leading.indices.reversed() {
      start += rest % leading[axis] * strides[operand][axis]
      rest /= leading[axis]
    }
    return start
  }

  func forEachRow(_ workers: Workers, _ body: (Int) -> Void) {
    workers.forEachRange(of: rows, grain: max(1, 32_768 / max(1, width))) { range in
      for row in range { body(row) }
    }
  }
}

extension Quantization {
  func scaling(_ arguments: KernelArguments) -> ByteArithmetic.Scaling {
    let (scale, zero) = values(arguments)
    return ByteArithmetic.Scaling(scale: scale, zero: zero)
  }
}
