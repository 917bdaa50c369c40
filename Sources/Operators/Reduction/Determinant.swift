import Dimensions
import IR
import Kernels

/// `Det`: determinants of the matrices of the last two axes.
public struct Determinant: Operator {
  public let names = [OperatorName("Det")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0).map { Array($0.dropLast(2)) })
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("Det multiplies along it")
    context.setFixedOutput(0, "Det multiplies along it")
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let shape = try context.input(0).shape
    guard shape.count >= 2, shape[shape.count - 1] == shape[shape.count - 2] else {
      throw .invalid("only square matrices have determinants")
    }
    let real = try context.real(0)
    return Self.kernel(shape[shape.count - 1], shape.dropLast(2).reduce(1, *), real)
  }

  private static func kernel<T: Real>(_ size: Int, _ count: Int, _: T.Type) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      for index in 0..<count { y[index] = Elimination.determinant(x + index * size * size, size) }
    }
  }
}
