import Dimensions
import IR

/// `Resize` and `Upsample`: interpolate along the axes whose size changes, which are fixed on both sides.
public struct Resize: Operator {
  public let names = [OperatorName("Resize"), OperatorName("Upsample")]

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func sizeInputs(_ node: Node) -> Set<Int> { [1, 2, 3] }

  private func scalesInput(_ node: Node, opset: Int64) -> Int? {
    if node.opType == "Upsample" { return node.input(1) != nil ? 1 : nil }
    let index = opset >= 11 ? 2 : 1
    return node.input(index) != nil ? index : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let input = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    let axes = context.node.ints("axes")?.map { $0 < 0 ? Int($0) + input.count : Int($0) } ?? Array(input.indices)
    guard axes.allSatisfy({ input.indices.contains($0) }) else { throw OperatorError("it resizes an axis it lacks") }
    var shape = input
    if context.opset >= 11, context.node.opType == "Resize", context.has(3) {
      let policy = context.node.string("keep_aspect_ratio_policy") ?? "stretch"
      let sizes =
        policy == "stretch" ? context.contents(3) : sizes(context, keepingRatio: policy, axes.map { input[$0] })
      for (position, axis) in axes.enumerated() {
        shape[axis] = sizes.flatMap { position < $0.count ? $0[position].size : nil } ?? context.freshSize(axis: axis)
      }
    } else {
      var scales = scalesInput(context.node, opset: context.opset).flatMap { context.contents($0) }
      if case .floats(let values) = context.node.attribute("scales") { scales = values.map { .real(Double($0)) } }
      for (position, axis) in axes.enumerated() {
        let scale = scales.flatMap { position < $0.count ? $0[position].double : nil }
        shape[axis] = scaled(&context, input[axis], by: scale, axis: axis)
      }
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  /// The sizes nearest to those wanted that keep the proportions.
  private func sizes(_ context: ShapeContext, keepingRatio policy: String, _ input: [Size]) -> [Element]? {
    let known = input.compactMap(\.known)
    guard known.count == input.count, let wanted = context.facts(3).knownInts,
      let scale = Self.commonScale(policy, known, wanted), scale >= 0
    else { return nil }
    return known.map { size in
      let scaled = (Double(size) * scale + 0.5).rounded(.down)
      return scaled <= Double(ShapeContext.sizeLimit) ? .int(Int(scaled)) : .unknown
    }
  }

  private func scaled(_ context: inout ShapeContext, _ size: Size, by scale: Double?, axis: Int) -> Size {
    guard let scale, scale > 0, scale.isFinite else { return context.freshSize(axis: axis) }
    if scale == 1 { return size }
    if let known = size.known, let result = Self.scaled(known, by: scale) { return .known(result) }
    if size.known != nil { return context.freshSize(axis: axis) }
    if scale == scale.rounded(), scale < 1e6 { return size.times(.known(Int(scale))) ?? context.freshSize(axis: axis) }
    return context.freshSize(axis: axis)
  }

  /// Scales are floats, by which sizes are multiplied as such: ten by 0.7 is seven.
  private static func scaled(_ size: Int, by scale: Double) -> Int? {
    // Sizes that no float holds stay exact where the scale is whole.
    let isWhole = scale == scale.rounded()
    let result = isWhole ? Double(size) * scale : Double((Float(size) * Float(scale)).rounded(.down))
    return result < 0x1p40 ? Int(result) : nil
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), let shape = context.outputShape(), shape.count == axes.count else {
      return context.fixInputs("its shape is known only at run time")
    }
    for index in 1..<max(1, context.node.inputs.count) {
      if let scales = context.input(index) { context.fix(scales, "it holds sizes or scales") }
    }
    let crops = context.node.string("coordinate_transformation_mode") == "tf_crop_and_resize"
    let untouched = untouchedAxes(context, rank: axes.count, crops: crops)
    for (index, size) in shape.enumerated() {
      if context.size(axes[index]) != size || size.known == nil || !untouched.contains(index) {
        context.fix(axes[index], "Resize interpolates along it")
        axes[index] = context.fixedAxis(size, "Resize interpolates along it")
      }
    }
    // What lies outside the picture is drawn through removed channels too.
    let draws = crops && (context.node.float("extrapolation_value") ?? 0) != 0
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && !draws) })
  }

  /// The axes along which nothing is interpolated, as long as their size stays.
  private func untouchedAxes(_ context: AxisContext, rank: Int, crops: Bool) -> Set<Int> {
    let all = Set(0..<rank)
    let given = context.node.ints("axes")?.map { $0 < 0 ? Int($0) + rank : Int($0) }
    if crops { return given.map { all.subtracting($0) } ?? [] }
    if context.opset >= 11, context.node.opType == "Resize", context.has(3) {
      // Sizes by a list of axes are not rewritten.
      return given.map { all.subtracting($0) } ?? all
    }
    var scales = scalesInput(context.node, opset: context.opset).flatMap { context.facts($0).contents }
    if case .floats(let values) = context.node.attribute("scales") { scales = values.map { .real(Double($0)) } }
    let axes = given ?? Array(0..<rank)
    guard let scales, scales.count == axes.count else { return all.subtracting(axes) }
    return all.subtracting(zip(axes, scales).filter { $1.double != 1 }.map(\.0))
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    let input = 3
    guard context.opset >= 11, context.node.opType == "Resize", context.node.input(input) != nil else { return }
    guard let axes = context.node.ints("axes") else { return try Expand.adaptSizes(&context, input: input) }
    guard let expected = context.expectedOutput() else { return }
    let sizes = axes.map { $0 < 0 ? Int($0) + expected.count : Int($0) }.map { expected[$0] }
    guard context.facts(input).contents?.map(\.size) != sizes.map(Optional.init) else { return }
    let known = sizes.compactMap(\.known)
    guard known.count == sizes.count else { return }
    context.setInts(input: input, known)
  }
}
