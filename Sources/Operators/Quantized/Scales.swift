import Dimensions
import IR

extension AxisContext {
  /// Relates a scale or zero point: one number couples nothing, a vector follows `dimension`.
  mutating func relateScale(_ input: Int, along dimension: DimensionID?) {
    guard has(input) else { return }
    guard let values = self.input(input) else { return fixInputs("a scale has an unknown rank") }
    if values.allSatisfy({ size($0).isOne }) { return }
    guard values.count == 1, let dimension else { return fixInputs("a scale has an unexpected shape") }
    unify(values[0].dimension, dimension)
    role(input, axis: 0, .rider)
  }

  /// Relates scales and zero points that are one number for the whole tensor.
  mutating func relateScales(_ inputs: some Sequence<Int>) {
    for input in inputs { relateScale(input, along: nil) }
  }

  /// Roles of a matrix that is an operand of a product, by the node's input.
  mutating func noteProductRoles(_ input: Int, rank: Int, contracted: Int) {
    guard rank > 1, isWeight(input) else { return }
    role(input, axis: contracted, .consumer)
    role(input, axis: contracted == rank - 1 ? rank - 2 : rank - 1, .producer)
  }
}
