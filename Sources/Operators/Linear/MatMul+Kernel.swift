import IR
import Kernels

extension MatMul {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try BatchedProduct.kernel(context) }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try BatchedProduct.differentiate(
      &context, try context.shape(0), try context.shape(1), transposed: (false, false))
  }
}
