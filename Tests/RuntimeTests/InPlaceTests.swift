import IR
import TestSupport
import Testing

@testable import Runtime

/// Kernels write over inputs nobody needs any more, and tensors share an arena: neither may be seen in what comes out.
@Suite("Writing in place")
struct InPlaceTests {
  private func run(_ model: Model, _ inputs: [String: Tensor]) throws -> [String: [Float]] {
    try Session(model, options: RuntimeOptions(workers: .one)).run(inputs).mapValues { tensor in
      tensor.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
    }
  }

  @Test(
    "an input the node takes twice is not written over before it is read again",
    arguments: [
      ("Sum(r, x, r)", [5, 10]), ("Sum(x, r, r)", [5, 10]), ("Mean(r, z, r)", [4, 4]), ("Max(r, z, r)", [8, 4]),
      ("ScatterND(r, i, r)", [4, 2]), ("Mul(r, r)", [4, 16]), ("Sub(r, r)", [0, 0]), ("Where(c, r, r)", [2, 4]),
    ] as [(String, [Float])])
  func repeated(_ text: String, _ expected: [Float]) throws {
    let model = try GraphText.model(
      """
      x: float[2]
      z: float[2]
      i: int64[2, 1]
      c: bool[2]
      r = Add(x, x)
      h = \(text)
      y = Abs(h)
      return y
      """)
    let inputs = [
      "x": Tensor(floats: [1, 2], shape: [2]), "z": Tensor(floats: [8, 4], shape: [2]),
      "i": Tensor(int64s: [1, 0], shape: [2, 1]),
      "c": Tensor(dataType: .bool, shape: [2], storage: .bytes(ByteRegion(copying: [1, 0] as [UInt8]))),
    ]
    #expect(try run(model, inputs)["y"] == expected)
  }

  @Test("every value is what it is where all of them are outputs, and nothing is shared", arguments: 0..<8)
  func sharing(piece: Int) throws {
    for seed in stride(from: piece, to: 320, by: 8) {
      let text = Self.network(seed: UInt64(seed))
      let shared = try GraphText.model(text)
      var separate = shared
      separate.graph.outputs = shared.graph.nodes.flatMap(\.outputs).compactMap { $0 }.map {
        ValueInfo(value: $0, type: nil)
      }
      let inputs = ["x", "z"].reduce(into: [String: Tensor]()) { inputs, name in
        let numbers = (0..<16).map { Float(($0 * 7 + name.utf8.count * 5 + (name == "x" ? 3 : 0)) % 13) / 4 - 1.5 }
        inputs[name] = Tensor(floats: numbers, shape: [4, 4])
      }
      let (found, expected) = (try run(shared, inputs), try run(separate, inputs))
      for (name, numbers) in found {
        #expect(
          numbers.map(\.bitPattern) == expected[name]?.map(\.bitPattern), "seed \(seed): \(name) differs in\n\(text)")
      }
    }
  }

  /// Nodes over matrices of 4 × 4, which take what others made more than once, under other shapes, and in any order.
  private static func network(seed: UInt64) -> String {
    var state = seed &+ 1
    func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var lines = [
      "x: float[4, 4]", "z: float[4, 4]", "c = Less(x, z)", "i = Identity(index<2, 0>)", "j = Reshape(i, s<2, 1>)",
    ]
    var values = ["x", "z"]
    // Mostly what was made last, so that much of it is read for the last time.
    func pick() -> String { values[max(0, values.count - 1 - below(below(3) == 0 ? values.count : 3))] }
    for index in 0..<(4 + below(12)) {
      let name = "v\(index)"
      let (a, b, d) = (pick(), pick(), pick())
      switch below(14) {
      case 0: lines.append("\(name) = Add(\(a), \(b))")
      case 1: lines.append("\(name) = Mul(\(a), \(a))")
      case 2: lines.append("\(name) = Sum(\(a), \(b), \(a))")
      case 3: lines.append("\(name) = Mean(\(a), \(b), \(d))")
      case 4: lines.append("\(name) = Max(\(a), \(b), \(b), \(a))")
      case 5: lines.append("\(name) = Where(c, \(a), \(b))")
      case 6: lines.append("\(name) = Relu(\(a))")
      case 7: lines.append("\(name) = Softmax(\(a)) { axis: 1 }")
      case 8: lines.append("\(name) = Transpose(\(a))")
      case 9:
        lines.append("\(name)f = Reshape(\(a), f\(index)<16>)")
        lines.append("\(name)g = Tanh(\(name)f)")
        lines.append("\(name) = Reshape(\(name)g, g\(index)<4, 4>)")
      case 10:
        lines.append("\(name)u = Gather(\(a), i) { axis: 0 }")
        lines.append("\(name) = ScatterND(\(b), j, \(name)u)")
      case 11: lines.append("\(name) = MatMul(\(a), \(b))")
      case 12: lines.append("\(name) = PRelu(\(a), \(b))")
      default: lines.append("\(name) = Sub(\(a), \(b))")
      }
      values.append(name)
    }
    let outputs = [values[values.count - 1]] + (below(2) == 0 ? [pick()] : [])
    let distinct = outputs.count == 2 && outputs[0] == outputs[1] ? [outputs[0]] : outputs
    lines.append("return \(distinct.filter { $0 != "x" && $0 != "z" }.joined(separator: ", "))")
    return lines.joined(separator: "\n")
  }
}
