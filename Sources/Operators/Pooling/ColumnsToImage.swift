import Dimensions
import IR
import Kernels

/// `Col2Im`: adds up patches; the axis of channels times patch positions is taken literally.
public struct ColumnsToImage: Operator {
  public let names = [OperatorName("Col2Im")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), x.count == 3, let image = context.shape(heldBy: 1),
      let block = context.shape(heldBy: 2).flatMap({ Size.product($0) }),
      let channels = x[1].dividedExactly(by: block)
    else { return context.setOutput(type: context.type(0), shape: nil) }
    context.setOutput(type: context.type(0), shape: [x[0], channels] + image)
  }

  public func relateAxes(_ context: inout AxisContext) {
    let reason = "Col2Im adds up patches of it"
    context.fixInputs(reason)
    context.setFixedOutput(0, reason)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try layout(context)
    return Kernel { arguments in
      PatchSums.apply(arguments.input(0, as: T.self), arguments.output(0), layout, workers: arguments.workers)
    }
  }

  private func layout(_ context: KernelContext) throws(KernelError) -> PatchSums.Layout {
    guard let image = try context.ints(1), let block = try context.ints(2) else {
      throw .invalid("the shapes of image and block are missing")
    }
    let x = try context.input(0).shape
    let window: Window
    do { window = try Window(context.node, kernel: block) } catch { throw .invalid(error.message) }
    guard image.count == block.count, x.count == 3 else { throw .invalid("an image of \(image.count) axes") }
    let counts = image.indices.map { axis in
      let (before, after) = window.padding(axis)
      return max(0, (image[axis] + before + after - window.extent(axis)) / window.strides[axis] + 1)
    }
    let planes = try context.output().shape.prefix(2).reduce(1, *)
    guard counts.reduce(1, *) == x[2], planes * block.reduce(1, *) == x[0] * x[1] else {
      throw .invalid("patches of shape \(x) for an image of \(image) and blocks of \(block)")
    }
    return PatchSums.Layout(
      planes: planes, image: image, block: block, counts: counts, strides: window.strides,
      dilations: window.dilations, before: image.indices.map { window.padding($0).before })
  }
}
