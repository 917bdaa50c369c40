import IR
import Operators
import Testing

@Suite("Recurrences, computed and differentiated")
struct RecurrentKernelTests {
  private typealias Operand = NodeGradients.Operand

  private let steps = 4
  private let batch = 3
  private let inputs = 2
  private let hidden = 5

  struct Case: Sendable, CustomStringConvertible {
    var type: String
    var direction = "forward"
    var hasBias = true
    var hasLengths = false
    var hasStates = false
    var hasPeepholes = false
    var isBatchFirst = false
    var flags: [String: Int64] = [:]
    var activations: [String] = []

    var description: String {
      "\(type) \(direction) bias \(hasBias) lengths \(hasLengths) states \(hasStates) peepholes \(hasPeepholes) "
        + "batch first \(isBatchFirst) \(flags) \(activations)"
    }

    var gates: Int { type == "LSTM" ? 4 : type == "GRU" ? 3 : 1 }
    var directions: Int { direction == "bidirectional" ? 2 : 1 }
  }

  static let cases: [Case] =
    ["RNN", "GRU", "LSTM"].flatMap { type in
      [
        Case(type: type, hasBias: false), Case(type: type, direction: "reverse", hasStates: true),
        Case(type: type, direction: "bidirectional", hasLengths: true, hasStates: true),
        Case(type: type, direction: "bidirectional", isBatchFirst: true),
        Case(type: type, hasLengths: true, hasStates: true, isBatchFirst: true),
      ]
    } + [
      Case(type: "GRU", direction: "bidirectional", hasLengths: true, flags: ["linear_before_reset": 1]),
      Case(type: "GRU", hasBias: false, hasStates: true, flags: ["linear_before_reset": 1]),
      Case(type: "LSTM", hasStates: true, hasPeepholes: true),
      Case(type: "LSTM", direction: "bidirectional", hasLengths: true, hasPeepholes: true, flags: ["input_forget": 1]),
      Case(type: "LSTM", activations: ["HardSigmoid", "Softsign", "ScaledTanh"]),
      Case(type: "GRU", activations: ["Affine", "Elu"]), Case(type: "RNN", activations: ["Softplus"]),
      Case(type: "RNN", activations: ["LeakyRelu"]),
    ]

  private func operands(_ sample: Case) -> [Operand?] {
    let count = sample.directions
    let x =
      sample.isBatchFirst
      ? Operand.random(batch, steps, inputs, seed: 1) : Operand.random(steps, batch, inputs, seed: 1)
    let state: (UInt64) -> Operand = { seed in
      sample.isBatchFirst
        ? Operand.random(batch, count, hidden, seed: seed) : Operand.random(count, batch, hidden, seed: seed)
    }
    return [
      x, Operand.random(count, sample.gates * hidden, inputs, seed: 2),
      Operand.random(count, sample.gates * hidden, hidden, seed: 3),
      sample.hasBias ? Operand.random(count, 2 * sample.gates * hidden, seed: 4) : nil,
      sample.hasLengths ? Operand.ints([4, 2, 3], .int32) : nil, sample.hasStates ? state(5) : nil,
      sample.hasStates && sample.type == "LSTM" ? state(6) : nil,
      sample.hasPeepholes ? Operand.random(count, 3 * hidden, seed: 7) : nil,
    ]
  }

  private func attributes(_ sample: Case) -> [(String, AttributeValue)] {
    var attributes: [(String, AttributeValue)] = [
      ("hidden_size", .int(Int64(hidden))), ("direction", .string(Array(sample.direction.utf8))),
      ("layout", .int(sample.isBatchFirst ? 1 : 0)),
    ]
    attributes += sample.flags.map { ($0.key, .int($0.value)) }
    if !sample.activations.isEmpty {
      attributes.append(("activations", .strings(sample.activations.map { Array($0.utf8) })))
    }
    return attributes
  }

  @Test("gradients through time agree with difference quotients", arguments: cases)
  func gradients(sample: Case) throws {
    let node = NodeGradients(
      OperatorName(sample.type), operands(sample), outputs: sample.type == "LSTM" ? 3 : 2, attributes(sample))
    try node.check()
    try node.check(outputs: [1])
  }
}
