import IR
import TestSupport
import Testing

@testable import Runtime

/// What a session returns is its caller's: right whatever outputs are, and as it was after further runs.
@Suite("Outputs of sessions")
struct SessionOutputTests {
  /// What each input gives, read at once and again after all runs.
  private func run(_ model: Model, on inputs: [[Float]]) throws -> [[String: [Double]]] {
    let session = try Session(model, options: RuntimeOptions(workers: .one))
    var results: [[String: Tensor]] = []
    var numbers: [[String: [Double]]] = []
    for input in inputs {
      let result = try session.run(["x": Tensor(floats: input)])
      results.append(result)
      numbers.append(result.mapValues { $0.numbers })
    }
    let afterwards = results.map { result in result.mapValues { $0.numbers } }
    #expect(afterwards == numbers)
    return numbers
  }

  @Test("a value may be named twice")
  func twice() throws {
    let model = try GraphText.model("x: float[3]\ny = Add(x, x)\nreturn y, y")
    let found = try run(model, on: [[1, 2, 3], [-1, 0, 5]])
    let expected: [[String: [Double]]] = [["y": [2, 4, 6]], ["y": [-2, 0, 10]]]
    #expect(found == expected)
  }

  @Test("so may one whose size follows from the data")
  func heapTwice() throws {
    let model = try GraphText.model("x: float[3]\nz = NonZero(x)\nreturn z, z")
    let found = try run(model, on: [[1, 0, 3], [0, 5, 0], [0, 0, 0], [4, 4, 0]])
    let expected: [[String: [Double]]] = [["z": [0, 2]], ["z": [1]], ["z": []], ["z": [0, 1]]]
    #expect(found == expected)
  }

  @Test("an input is an output as it came, and under another shape")
  func input() throws {
    let model = try GraphText.model("x: float[3]\ny = Neg(x)\nr = Reshape(x, s<3, 1>)\nreturn x, y, r")
    let found = try run(model, on: [[1, 2, 3], [-1, 7, 5]])
    let expected: [[String: [Double]]] = [
      ["x": [1, 2, 3], "y": [-1, -2, -3], "r": [1, 2, 3]], ["x": [-1, 7, 5], "y": [1, -7, -5], "r": [-1, 7, 5]],
    ]
    #expect(found == expected)
  }

  @Test("outputs in the same memory are each their own, also where a node could write over one of them")
  func shared() throws {
    let model = try GraphText.model(
      "x: float[3]\ny = Neg(x)\nv = Reshape(y, s<3, 1>)\nz = Abs(v)\nw = Mul(z, z)\nreturn v, y, z, z, w")
    let found = try run(model, on: [[0, 0, 0], [0, -2, 0]])
    let expected: [[String: [Double]]] = [
      ["v": [0, 0, 0], "y": [0, 0, 0], "z": [0, 0, 0], "w": [0, 0, 0]],
      ["v": [0, 2, 0], "y": [0, 2, 0], "z": [0, 2, 0], "w": [0, 4, 0]],
    ]
    #expect(found == expected)
  }

  @Test("memory that running takes counts the outputs")
  func counted() throws {
    let model = try GraphText.model("x: float[N]\nz = Abs(x)\ny = Neg(z)\nv = Exp(z)\nreturn y, v")
    let memory = try Session(model).memory(for: ["x": (.float, [1 << 20])])
    #expect(memory.activationBytes >= 2 << 22 && memory.activationBytes <= 3 << 22)
  }

  @Test("an initializer is an output as the model holds it, and so is what follows from shapes alone")
  func initializer() throws {
    let model = try GraphText.model("x: float[3]\ny = Mul(x, w[3])\ns = Shape(x)\nreturn y, w, s")
    let weight = try #require(model.graph.initializers.first).tensor.numbers
    let found = try run(model, on: [[1, 1, 1], [2, 2, 2]])
    let expected: [[String: [Double]]] = [
      ["y": weight, "w": weight, "s": [3]], ["y": weight.map { 2 * $0 }, "w": weight, "s": [3]],
    ]
    #expect(found == expected)
    #expect(model.graph.initializers.first?.tensor.numbers == weight)
  }

  // MARK: Memory

  private func threes() throws -> RuntimeValue {
    let value = try RuntimeValue(declaredType: .float, shape: [2], precision: .single)
    value.buffer.start.initializeMemory(as: Float.self, repeating: 3, count: 2)
    return value
  }

  @Test("memory that nothing else knows is given away without a copy")
  func givenAway() throws {
    var value = try threes()
    let start = UnsafeRawPointer(value.buffer.start)
    let tensor = value.taken(named: "y")
    let region = try #require(tensor.contiguousBytes())
    #expect(region.owner.bytes.baseAddress == start && region.count == 8)
    #expect(tensor.name == "y" && tensor.numbers == [3, 3])
    // Now the tensor knows it.
    let copy = value.taken(named: "y")
    let second = try #require(copy.contiguousBytes())
    #expect(second.owner.bytes.baseAddress != start)
    withExtendedLifetime(tensor) {}
  }

  @Test("memory that something else knows is copied")
  func copied() throws {
    var value = try threes()
    let other = value.buffer
    let tensor = value.taken()
    other.start.initializeMemory(as: Float.self, repeating: 4, count: 2)
    withExtendedLifetime(other) {}
    #expect(tensor.numbers == [3, 3])
  }
}
