import IR
import Kernels

extension AffineGrid {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (theta, output) = (try context.input(0), try context.output())
    let axes = output.rank - 2
    guard axes == 2 || axes == 3, theta.shape == [output.shape[0], axes, axes + 1] else {
      throw .invalid("matrices of shape \(theta.shape) do not make a grid of shape \(output.shape)")
    }
    let alignsCorners = context.node.int("align_corners", default: 0) != 0
    let places = (1...axes).map { Self.places(output.shape[$0], alignsCorners) }
    let real = try context.real(0)
    return Self.kernel(real, batch: output.shape[0], places)
  }

  /// From −1 to 1: the outermost elements' centers or edges lie there.
  private static func places(_ size: Int, _ alignsCorners: Bool) -> [Double] {
    (0..<size).map { index in
      guard alignsCorners else { return Double(2 * index + 1) / Double(size) - 1 }
      return size == 1 ? 0 : 2 * Double(index) / Double(size - 1) - 1
    }
  }

  private static func kernel<T: Real>(_: T.Type, batch: Int, _ places: [[Double]]) -> Kernel {
    let axes = places.count
    let count = places.reduce(1) { $0 * $1.count }
    return Kernel { arguments throws(KernelError) in
      let (theta, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      arguments.workers.forEachRange(of: batch * count, grain: 4096) { range in
        // Innermost first, as coordinates are named.
        var point = [Double](repeating: 1, count: axes + 1)
        for index in range {
          var rest = index % count
          for axis in places.indices.reversed() {
            point[axes - 1 - axis] = places[axis][rest % places[axis].count]
            rest /= places[axis].count
          }
          let matrix = theta + index / count * axes * (axes + 1)
          for row in 0..<axes {
            var sum = 0.0
            for column in 0...axes { sum += Double(matrix[row * (axes + 1) + column]) * point[column] }
            y[index * axes + row] = T(sum)
          }
        }
      }
    }
  }
}
