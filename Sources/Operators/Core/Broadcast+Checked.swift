import Kernels

extension Broadcast {
  /// - Throws: where one of the shapes does not broadcast to the result.
  init(checked shapes: [[Int]], to result: [Int]) throws(KernelError) {
    for shape in shapes {
      let fits = zip(shape.reversed(), result.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
      guard fits, shape.count <= result.count else {
        throw .invalid("an operand of shape \(shape) does not broadcast to \(result)")
      }
    }
    self.init(shapes, to: result)
  }
}
