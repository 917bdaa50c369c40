import IR
import Kernels
import Operators
import Testing

/// The operators of losses: their values by hand, their gradients against central differences.
@Suite("Losses")
struct LossKernelTests {
  private typealias Operand = KernelContext.Operand

  /// Runs an operator on doubles, and on labels where its second input has them.
  private func run(
    _ operation: any Operator, _ inputs: [[Double]], shapes: [[Int]], labels: [Int64]? = nil,
    _ attributes: [Attribute] = [], output: [Int] = []
  ) throws -> [Double] {
    let node = Node(
      inputs: inputs.indices.map { ValueID($0) }, outputs: [ValueID(9)], opType: "", attributes: attributes)
    let operands = shapes.enumerated().map { index, shape -> Operand? in
      let type: DataType = index == 1 && labels != nil ? .int64 : .double
      return Operand(declaredType: type, type: type, shape: shape)
    }
    let context = KernelContext(
      node: node, opset: 1, inputs: operands, outputs: [Operand(declaredType: .double, type: .double, shape: output)])
    let kernel = try operation.makeKernel(context)
    var pointers = inputs.map { Self.memory($0) }
    if let labels {
      pointers[1].deallocate()
      pointers[1] = Self.memory(labels)
    }
    pointers.append(Self.memory([Double](repeating: .nan, count: output.reduce(1, *))))
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: kernel.scratchBytes + 64, alignment: 64)
    defer { for pointer in pointers + [scratch] { pointer.deallocate() } }
    let all = pointers.map { Optional($0) }
    try all.withUnsafeBufferPointer { all in
      guard let first = all.baseAddress else { return }
      try kernel.body(
        KernelArguments(inputs: first, outputs: first + inputs.count, scratch: scratch, workers: .one))
    }
    let result = pointers[inputs.count].assumingMemoryBound(to: Double.self)
    return Array(UnsafeBufferPointer(start: result, count: output.reduce(1, *)))
  }

  private static func memory<Element>(_ elements: [Element]) -> UnsafeMutableRawPointer {
    let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    pointer.initialize(from: elements, count: elements.count)
    return UnsafeMutableRawPointer(pointer)
  }

  private func logits(_ count: Int, _ phase: Double = 0) -> [Double] {
    (0..<count).map { index in
      // Any numbers between −1 and 1.
      let x = Double(index) * 0.7 + phase
      return 2 * (x - x.rounded(.down)) - 1
    }
  }

  private func expectGradient(
    _ loss: any Operator, _ gradient: any Operator, _ x: [Double], _ target: [Double], shape: [Int],
    labels: (shape: [Int], classes: [Int64])? = nil, _ attributes: [Attribute] = []
  ) throws {
    let second = labels?.shape ?? shape
    let found = try run(
      gradient, [x, target, [0.7]], shapes: [shape, second, []], labels: labels?.classes, attributes, output: shape)
    for index in x.indices {
      func value(_ step: Double) throws -> Double {
        var moved = x
        moved[index] += step
        return try run(loss, [moved, target], shapes: [shape, second], labels: labels?.classes, attributes)[0]
      }
      let expected = 0.7 * (try value(1e-5) - value(-1e-5)) / 2e-5
      #expect(abs(found[index] - expected) < 1e-8, "element \(index): \(found[index]), expected \(expected)")
    }
  }

  @Test("two equal logits cost the logarithm of two")
  func crossEntropyValue() throws {
    let loss = try run(CrossEntropyLoss(), [[1, 1, 3, 3], []], shapes: [[2, 2], [2]], labels: [0, 1])
    #expect(abs(loss[0] - 0.693147180559945) < 1e-12)
  }

  @Test("negative labels do not count")
  func ignored() throws {
    let all = try run(CrossEntropyLoss(), [[1, 2, 0, 5], []], shapes: [[2, 2], [2]], labels: [1, -100])
    let one = try run(CrossEntropyLoss(), [[1, 2], []], shapes: [[1, 2], [1]], labels: [1])
    #expect(all == one)
  }

  @Test("a label that is no class is refused")
  func stray() {
    #expect(throws: KernelError.invalid("label 2 is none of the 2 classes")) {
      try run(CrossEntropyLoss(), [[1, 2], []], shapes: [[1, 2], [1]], labels: [2])
    }
  }

  @Test("gradients of cross-entropy, over the last axis and axis 1, with label smoothing", arguments: [0, 0.2])
  func crossEntropyGradient(smoothing: Float) throws {
    let attributes = [
      Attribute(name: "label_smoothing", value: .float(smoothing)), Attribute(name: "weight", value: .float(0.5)),
    ]
    try expectGradient(
      CrossEntropyLoss(), CrossEntropyLossGradient(), logits(24), [], shape: [2, 3, 4],
      labels: ([2, 3], [0, 3, 1, -1, 2, 2]), attributes)
    try expectGradient(
      CrossEntropyLoss(), CrossEntropyLossGradient(), logits(24), [], shape: [2, 3, 4],
      labels: ([2, 4], [0, 2, 1, -1, 2, 2, 0, 1]), attributes + [Attribute(name: "axis", value: .int(1))])
  }

  @Test("gradients of squared errors and binary cross-entropy")
  func elements() throws {
    let targets = logits(6, 0.3).map { ($0 + 1) / 2 }
    try expectGradient(
      ElementLoss.meanSquaredError, ElementLoss.meanSquaredError.gradient, logits(6), targets, shape: [2, 3])
    try expectGradient(
      ElementLoss.binaryCrossEntropy, ElementLoss.binaryCrossEntropy.gradient, logits(6), targets, shape: [2, 3])
  }

  @Test("gradients of distillation, and none where student and teacher agree")
  func distillation() throws {
    let attributes = [Attribute(name: "temperature", value: .float(2))]
    try expectGradient(
      DistillationLoss(), DistillationLossGradient(), logits(8), logits(8, 0.4), shape: [2, 4], attributes)
    let same = try run(DistillationLoss(), [logits(8), logits(8)], shapes: [[2, 4], [2, 4]], attributes)
    #expect(abs(same[0]) < 1e-12)
  }
}
