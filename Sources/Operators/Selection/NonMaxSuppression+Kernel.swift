import IR
import Kernels

extension NonMaxSuppression {
  public func choose(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel) {
    let chosen = try chosen(context)
    let kernel = Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: Int64.self)
      for (row, box) in chosen.enumerated() {
        y[row * 3] = Int64(box.batch)
        y[row * 3 + 1] = Int64(box.category)
        y[row * 3 + 2] = Int64(box.index)
      }
    }
    return ([[chosen.count, 3]], kernel)
  }

  private func chosen(_ context: KernelContext) throws(KernelError) -> [BoxSelection.Choice] {
    let (boxes, scores) = (try context.input(0), try context.input(1))
    guard boxes.rank == 3, scores.rank == 3, boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0],
      boxes.shape[1] == scores.shape[2], boxes.type == scores.type
    else { throw .invalid("boxes \(boxes.shape) and scores \(scores.shape) do not belong together") }
    guard let places = boxes.contents else { throw .needsContents(input: 0) }
    guard let values = scores.contents else { throw .needsContents(input: 1) }
    let selection = BoxSelection(
      batch: boxes.shape[0], categories: scores.shape[1], boxes: boxes.shape[1],
      limit: try context.ints(2)?.first ?? 0, overlap: try context.doubles(3)?.first ?? 0,
      leastScore: try context.doubles(4)?.first, areCentered: context.node.int("center_point_box", default: 0) != 0)
    let real = try context.real(0)
    return Self.choose(selection, places, values, real)
  }

  private static func choose<T: Real>(
    _ selection: BoxSelection, _ boxes: UnsafeRawBufferPointer, _ scores: UnsafeRawBufferPointer, _: T.Type
  ) -> [BoxSelection.Choice] {
    boxes.withMemoryRebound(to: T.self) { boxes in
      scores.withMemoryRebound(to: T.self) { scores in selection(boxes, scores) }
    }
  }
}
