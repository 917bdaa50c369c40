import IR
import Operators
import Testing

/// Gradients at zeros, at ties and beyond the usual attributes against difference quotients, which at a tie of two are
/// half of the slope.
@Suite("Gradients at the edges of operators")
struct EdgeGradientTests {
  private typealias Operand = NodeGradients.Operand

  @Test("products of which factors are zero", arguments: [[0], [1], [0, 1]] as [[Int64]])
  func products(axes: [Int64]) throws {
    let x = Operand(shape: [3, 3], values: [0, 2, 3, 4, 0, 0, 2, 3, 4])
    try NodeGradients(OperatorName("ReduceProd"), [x], [("axes", .ints(axes))]).check()
  }

  @Test("a norm of zero has no slope")
  func norm() throws {
    let x = Operand(shape: [2, 3], values: [0, 0, 0, 1, 2, 2])
    try NodeGradients(OperatorName("ReduceL2"), [x], [("axes", .ints([1]))]).check()
  }

  @Test("elements that tie share the gradient", arguments: ["ReduceMax", "ReduceMin"])
  func reducedTies(type: String) throws {
    let x = Operand(shape: [2, 4], values: [2, 2, 1, 1, 0, 5, 0, 4])
    try NodeGradients(OperatorName(type), [x], [("axes", .ints([1]))]).check()
  }

  @Test("operands that tie share the gradient", arguments: ["Max", "Min"])
  func ties(type: String) throws {
    let (a, b) = (Operand(shape: [2, 3], values: [1, 2, 3, 4, 5, 6]), Operand(shape: [3], values: [1, 5, 3]))
    try NodeGradients(OperatorName(type), [a, b]).check()
  }

  @Test("remainders towards the divisor", arguments: [Int64(0), 1])
  func remainders(fmod: Int64) throws {
    let (a, b) = (
      Operand(shape: [2, 3], values: [7, -7, 5, 0.5, 9, -2.5]), Operand(shape: [3], values: [2, 3.2, -1.5])
    )
    try NodeGradients(OperatorName("Mod"), [a, b], [("fmod", .int(fmod))]).check()
  }

  @Test("bounds of a clip, and those of which the lower is above", arguments: [(-0.5, 1.5), (1.5, -0.5)])
  func bounds(low: Double, high: Double) throws {
    let x = Operand(shape: [2, 3], values: [-2, -1, 0, 1, 2, 3])
    let bounds = [low, high].map { Operand(shape: [], values: [$0]) }
    try NodeGradients(OperatorName("Clip"), [x] + bounds).check()
  }

  @Test("a hard sigmoid that falls")
  func hardSigmoid() throws {
    let x = Operand(shape: [4], values: [-3, -0.5, 0.7, 3])
    try NodeGradients(OperatorName("HardSigmoid"), [x], [("alpha", .float(-0.3)), ("beta", .float(0.45))]).check()
  }
}
