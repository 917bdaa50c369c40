import IR

extension ScatterND {
  /// What was overwritten has no gradient; what was written has that of its place.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    switch context.node.string("reduction") ?? "none" {
    case "none":
      if context.wants(0) {
        let zero = context.emit(.own("BroadcastTo"), context.scalar(0), context.vector(try context.shape(2)))
        context.accumulate(scatter(zero, into: gradient, &context), to: 0)
      }
      if context.wants(2) { context.accumulate(gather(gradient, &context), to: 2) }
    case "add":
      context.accumulate(gradient, to: 0)
      if context.wants(2) { context.accumulate(gather(gradient, &context), to: 2) }
    case "mul":
      // Towards an update, it would be the product of all others at its place.
      guard !context.wants(2) else { throw OperatorError("its updates are multiplied, which has no gradient") }
      context.accumulate(scatter(context.node.input(2), into: gradient, by: "mul", &context), to: 0)
    case "min", "max": chooseExtremes(gradient, &context)
    case let other: throw OperatorError("scattering by \(other) has no gradient")
    }
  }

  /// Whatever is as large as the result shares in its gradient, in equal parts.
  private func chooseExtremes(_ gradient: ValueID, _ context: inout GradientContext) {
    let (one, zero) = (context.scalar(1), context.scalar(0))
    func mark(_ a: ValueID?, _ b: ValueID?) -> ValueID {
      let equal = context.emit(OperatorName("Equal"), a, b)
      return context.emit(OperatorName("Where"), equal, one, zero)
    }
    let (data, result) = (context.node.input(0), context.node.output(0))
    let isData = mark(data, result)
    let isUpdate = mark(context.node.input(2), gather(result, &context))
    let count = scatter(isUpdate, into: isData, by: "add", &context)
    let share = context.emit(OperatorName("Div"), gradient, count)
    context.accumulate(context.emit(OperatorName("Mul"), share, isData), to: 0)
    if context.wants(2) {
      context.accumulate(context.emit(OperatorName("Mul"), gather(share, &context), isUpdate), to: 2)
    }
  }

  private func axis(_ context: GradientContext) -> Attribute {
    Attribute(name: "axis", value: .int(context.node.int("axis", default: 0)))
  }

  private func gather(_ value: ValueID?, _ context: inout GradientContext) -> ValueID {
    let indices = context.node.input(1)
    if context.node.opType == "ScatterND" { return context.emit(OperatorName("GatherND"), value, indices) }
    return context.emit(OperatorName("GatherElements"), value, indices, attributes: [axis(context)])
  }

  private func scatter(
    _ updates: ValueID?, into data: ValueID, by reduction: String = "none", _ context: inout GradientContext
  ) -> ValueID {
    let reduction = Attribute(name: "reduction", value: .string(Array(reduction.utf8)))
    let (indices, isElements) = (context.node.input(1), context.node.opType != "ScatterND")
    return context.emit(
      OperatorName(isElements ? "ScatterElements" : "ScatterND"), data, indices, updates,
      attributes: isElements ? [reduction, axis(context)] : [reduction])
  }
}
