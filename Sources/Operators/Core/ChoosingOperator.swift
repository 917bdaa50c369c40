/// An operator whose outputs have shapes that follow from what is in its inputs, as those of `NonZero` do, so that they
/// are known only with what is written to them.
public protocol ChoosingOperator: Operator {
  /// Finds what goes into the outputs: their shapes, and the kernel that writes it there. Asked only while a model
  /// runs, when all contents are known.
  func choose(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel)
}

extension ChoosingOperator {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try choose(context).kernel }

  /// Chooses among inputs whose precisions go together.
  public func checkedChoice(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel) {
    try checkPrecisions(context)
    return try choose(context)
  }
}
