import Dimensions
import IR

/// How the values around a `Loop` or a `Scan` meet those of its body.
struct Iteration {
  /// A value every iteration hands to the next.
  struct State {
    /// Position of the node's input that holds the first value.
    let initial: Int
    let bodyInput: ValueID
    let bodyOutput: ValueID
    /// Position of the node's output that holds the last value.
    let result: Int
  }

  /// A value that lies along an axis of the node's, one slice an iteration.
  struct Slices {
    /// Position of the node's input or output.
    let whole: Int
    let slice: ValueID
    let axis: Int64
  }

  var states: [State] = []
  var scanned: [Slices] = []
  var collected: [Slices] = []
  /// Inputs of the body that count iterations or say whether to go on.
  var counters: [ValueID] = []

  func axis(_ axis: Int64, rank: Int) -> Int? {
    let index = axis < 0 ? Int(axis) + rank : Int(axis)
    return index >= 0 && index < rank ? index : nil
  }
}

// MARK: Shapes

extension Iteration {
  func enter(_ context: inout ShapeContext) {
    for state in states {
      let initial = context.facts(state.initial)
      let index = state.bodyInput.index
      context.facts[index].type = initial.type ?? context.facts[index].type
      context.facts[index].shape = context.isHasty ? nil : initial.shape
      context.facts[index].contents = context.isHasty ? nil : initial.contents
      context.facts[index].isConstant = false
    }
    for slices in scanned {
      let whole = context.facts(slices.whole)
      let index = slices.slice.index
      context.facts[index].type = whole.type ?? context.facts[index].type
      guard var shape = whole.shape, let axis = axis(slices.axis, rank: shape.count) else { continue }
      shape.remove(at: axis)
      context.facts[index].shape = shape
    }
  }

  func settle(_ context: inout ShapeContext) -> Bool {
    var settled = true
    for state in states {
      let before = context.facts[state.bodyInput.index]
      let after = context.facts[state.bodyOutput.index]
      let shape = Self.meet(before.shape, after.shape, of: state.bodyInput, &context.symbols)
      let contents = before.contents == after.contents ? before.contents : nil
      guard shape != before.shape || contents != before.contents else { continue }
      context.facts[state.bodyInput.index].shape = context.isHasty ? nil : shape
      context.facts[state.bodyInput.index].contents = context.isHasty ? nil : contents
      settled = false
    }
    return settled
  }

  /// What two shapes agree on; an axis that differs between iterations has a size nobody knows.
  private static func meet(
    _ a: [Size]?, _ b: [Size]?, of value: ValueID, _ symbols: inout SymbolTable
  ) -> [Size]? {
    guard let a, let b, a.count == b.count else { return nil }
    var shape = a
    for axis in a.indices where a[axis] != b[axis] {
      shape[axis] = symbols.size(of: .anonymous(value: value.index, axis: axis))
    }
    return shape
  }

  /// Facts of the node's outputs, once the body's have settled.
  /// - Throws: where a state is of another type after an iteration than before it.
  func leave(_ context: inout ShapeContext) throws(OperatorError) {
    for (index, state) in states.enumerated() {
      let facts = context.facts[state.bodyInput.index]
      if let before = facts.type, let after = context.facts[state.bodyOutput.index].type, before != after {
        throw OperatorError("its body takes state \(index) as \(before) and returns \(after)")
      }
      let shape = facts.shape.map { outward($0, output: state.result, &context) }
      context.setOutput(state.result, type: facts.type, shape: shape, contents: facts.contents)
    }
    for slices in collected {
      let facts = context.facts[slices.slice.index]
      var shape = facts.shape.map { outward($0, output: slices.whole, &context) }
      if let rank = shape?.count, let axis = axis(slices.axis, rank: rank + 1) {
        let steps = scanned.first.flatMap { scanned -> Size? in
          guard let whole = context.shape(scanned.whole), let along = self.axis(scanned.axis, rank: whole.count) else {
            return nil
          }
          return whole[along]
        }
        shape?.insert(steps ?? context.freshSize(output: slices.whole, axis: rank), at: axis)
      } else {
        shape = nil
      }
      context.setOutput(slices.whole, type: facts.type, shape: shape)
    }
  }

  /// A shape of the body's as the graph around it sees it: a size the body made is one number inside, in one iteration,
  /// and another outside.
  private func outward(_ shape: [Size], output: Int, _ context: inout ShapeContext) -> [Size] {
    shape.enumerated().map { axis, size in
      context.symbols.isMade(of: size, before: context.outerSymbolCount)
        ? size : context.freshSize(output: output, axis: axis)
    }
  }
}

// MARK: Axes

extension Iteration {
  func enter(_ context: inout AxisContext) {
    for value in counters { fix(value, &context, "it counts iterations") }
    for state in states {
      guard let shape = context.facts[state.bodyInput.index].shape, let initial = context.input(state.initial),
        initial.count == shape.count
      else {
        context.fix(context.input(state.initial) ?? [], "its rank may change between iterations")
        fix(state.bodyInput, &context, "its rank may change between iterations")
        continue
      }
      // That a removed index starts at zero says nothing of later iterations.
      context.axes[state.bodyInput.index] = zip(initial, shape).map { axis, size in
        if context.size(axis) == size { return Axis(axis.dimension, vanishes: false) }
        context.fix(axis, "its size may change between iterations")
        return context.fixedAxis(size, "its size may change between iterations")
      }
    }
    for slices in scanned {
      guard let whole = context.input(slices.whole), let axis = axis(slices.axis, rank: whole.count),
        context.facts[slices.slice.index].shape?.count == whole.count - 1
      else {
        context.fix(context.input(slices.whole) ?? [], "it is scanned along an unknown axis")
        fix(slices.slice, &context, "it is scanned along an unknown axis")
        continue
      }
      context.fix(whole[axis], "iterations run along it")
      var rest = whole
      rest.remove(at: axis)
      context.axes[slices.slice.index] = rest
    }
  }

  private func fix(_ value: ValueID, _ context: inout AxisContext, _ reason: String) {
    guard let shape = context.facts[value.index].shape else { return }
    context.axes[value.index] = shape.map { context.fixedAxis($0, reason) }
  }

  func leave(_ context: inout AxisContext) {
    for state in states {
      let before = context.axes[state.bodyInput.index] ?? []
      let after = context.axes[state.bodyOutput.index] ?? []
      guard before.count == after.count else {
        context.fix(before + after, "its rank may change between iterations")
        continue
      }
      for (a, b) in zip(before, after) {
        if context.size(a) == context.size(b) {
          context.unify(a, b)
        } else {
          context.fix([a, b], "its size may change between iterations")
        }
      }
      setOutput(state.result, before.map { Axis($0.dimension, vanishes: false) }, &context)
    }
    for slices in collected {
      let slice = context.axes[slices.slice.index] ?? []
      guard let shape = context.outputShape(slices.whole), shape.count == slice.count + 1,
        let axis = axis(slices.axis, rank: shape.count)
      else {
        context.fix(slice, "it is collected along an unknown axis")
        continue
      }
      var axes = slice
      axes.insert(context.fixedAxis(shape[axis], "it counts iterations"), at: axis)
      setOutput(slices.whole, axes, &context)
    }
  }

  /// The driver holds what is set here against the inferred shape, and fixes axes whose sizes are spelled in two ways.
  private func setOutput(_ output: Int, _ axes: [Axis], _ context: inout AxisContext) {
    guard context.outputShape(output)?.count == axes.count else {
      return context.fix(axes, "its rank may change between iterations")
    }
    context.setOutput(output, axes)
  }
}
