import Dimensions
import IR
import Kernels
import Operators
import Testing

/// One node, run in double precision, and the gradient its rule leads to its inputs against difference quotients.
struct NodeGradients {
  struct Operand {
    var shape: [Int]
    var values: [Double]
    var type: DataType = .double

    static func ints(_ values: [Int], _ type: DataType = .int64, shape: [Int]? = nil) -> Operand {
      Operand(shape: shape ?? [values.count], values: values.map { Double($0) }, type: type)
    }

    /// Numbers between −1 and 1 that no two elements share.
    static func random(_ shape: Int..., seed: UInt64) -> Operand {
      var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
      let values = (0..<shape.reduce(1, *)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / Double(1 << 52)
      }
      return Operand(shape: shape, values: values)
    }

    func mapped(_ body: (Double) -> Double) -> Operand {
      Operand(shape: shape, values: values.map(body), type: type)
    }
  }

  private let node: Node
  private let opset: Int64
  private let workers: Workers
  private var tape: [Operand?]
  private var symbols = SymbolTable()

  init(
    _ name: OperatorName, _ inputs: [Operand?], outputs: Int = 1, opset: Int64 = 17, workers: Int = 1,
    _ attributes: [(String, AttributeValue)] = []
  ) {
    tape = inputs
    node = Node(
      inputs: inputs.indices.map { inputs[$0] == nil ? nil : ValueID($0) },
      outputs: (0..<outputs).map { ValueID(inputs.count + $0) }, opType: name.type, domain: name.domain,
      attributes: attributes.map { Attribute(name: $0.0, value: $0.1) })
    self.opset = opset
    self.workers = Workers(count: workers)
  }

  /// The outputs of the node.
  func outputs() throws -> [Operand] {
    var run = self
    try run.execute(node)
    return try node.outputs.map { try #require(run.value($0)) }
  }

  /// Compares, for every floating-point input but those `except` names, the gradient of a weighted sum of the outputs.
  func check(
    except: Set<Int> = [], outputs wanted: Set<Int>? = nil, tolerance: Double = 1e-6,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let wanted = wanted ?? Set(node.outputs.indices)
    let inputs = node.inputs.indices.filter { index in
      !except.contains(index) && node.inputs[index] != nil && tape[index]?.type == .double
    }
    let found = try gradients(towards: inputs, from: wanted)
    for input in inputs {
      guard let gradient = found[input] else {
        Issue.record("no gradient reaches input \(input)", sourceLocation: sourceLocation)
        continue
      }
      #expect(gradient.shape == tape[input]?.shape, sourceLocation: sourceLocation)
      for (index, value) in gradient.values.enumerated() {
        let expected = try quotient(input, index, wanted)
        #expect(
          abs(value - expected) <= tolerance * max(1, abs(expected)),
          "\(node.opType): element \(index) towards input \(input): \(value), difference quotient \(expected)",
          sourceLocation: sourceLocation)
      }
    }
  }

  private func quotient(_ input: Int, _ index: Int, _ wanted: Set<Int>) throws -> Double {
    let step = 1e-6
    let sums = try [step, -step].map { offset in
      var moved = self
      moved.tape[input]?.values[index] += offset
      let outputs = try moved.outputs()
      return wanted.reduce(0.0) { total, output in
        zip(outputs[output].values, Self.seed(output, outputs[output]).values).reduce(total) { $0 + $1.0 * $1.1 }
      }
    }
    return (sums[0] - sums[1]) / (2 * step)
  }

  private static func seed(_ output: Int, _ operand: Operand) -> Operand {
    var seed = Operand.random(operand.values.count, seed: UInt64(91 + output))
    seed.shape = operand.shape
    return seed
  }

  private func gradients(towards inputs: [Int], from wanted: Set<Int>) throws -> [Int: Operand] {
    var run = self
    try run.execute(node)
    let first = run.tape.count
    var context = GradientContext(
      shapes: run.tape.map { $0?.shape }, types: run.tape.map { $0?.type },
      contents: [:], wanted: Set(inputs.map { node.inputs[$0]?.index ?? -1 }), makeValue: Self.counter(from: first + 8))
    context.node = node
    context.opset = opset
    for output in wanted {
      guard let value = node.outputs[output], let operand = run.value(value) else { continue }
      run.set(Self.seed(output, operand), ValueID(first + output))
      context.gradients[value.index] = ValueID(first + output)
    }
    let operation = try #require(OperatorRegistry.runtime(OperatorName(node.opType, domain: node.canonicalDomain)))
    try operation.differentiate(&context)
    for constant in context.constants {
      let tensor = constant.tensor
      let numbers = tensor.smallContents?.map { $0.double ?? 0 } ?? []
      let type: DataType = tensor.dataType == .float ? .double : tensor.dataType
      run.set(Operand(shape: tensor.shape, values: numbers, type: type), constant.value)
    }
    for added in context.emitted { try run.execute(added) }
    var found: [Int: Operand] = [:]
    for input in inputs {
      guard let value = node.inputs[input].flatMap({ context.gradients[$0.index] }) else { continue }
      found[input] = run.value(value)
    }
    return found
  }

  private static func counter(from first: Int) -> (String) -> ValueID {
    var next = first
    return { _ in
      next += 1
      return ValueID(next)
    }
  }

  // MARK: Running

  private func value(_ id: ValueID?) -> Operand? {
    guard let id, tape.indices.contains(id.index) else { return nil }
    return tape[id.index]
  }

  private mutating func set(_ operand: Operand, _ id: ValueID) {
    while tape.count <= id.index { tape.append(nil) }
    tape[id.index] = operand
  }

  private mutating func execute(_ node: Node) throws {
    let name = OperatorName(node.opType, domain: node.canonicalDomain)
    let operation = try #require(OperatorRegistry.runtime(name))
    let last = node.outputs.compactMap { $0?.index }.max() ?? 0
    var facts = (0...max(last, tape.count)).map { index -> Facts in
      guard index < tape.count, let operand = tape[index] else { return .unknown }
      let contents = operand.type == .double ? nil : operand.values.map { Element.int(Int($0)) }
      return Facts(type: operand.type, shape: operand.shape.map { .known($0) }, contents: contents)
    }
    var shapes = ShapeContext(facts: facts, symbols: symbols)
    shapes.node = node
    shapes.opset = node.canonicalDomain.isEmpty ? opset : 1
    try operation.inferShapes(&shapes)
    facts = shapes.facts
    let inputs = node.inputs.map { value($0).map { (operand: $0, memory: Self.memory($0)) } }
    defer { for input in inputs { input?.memory.deallocate() } }
    let outputs = try node.outputs.map { id -> (operand: Operand, memory: UnsafeMutableRawBufferPointer)? in
      guard let id else { return nil }
      let shape = try #require(facts[id.index].shape).map { try #require($0.known) }
      let operand = Operand(
        shape: shape, values: [Double](repeating: 0, count: shape.reduce(1, *)), type: facts[id.index].type ?? .double)
      return (operand, Self.memory(operand))
    }
    defer { for output in outputs { output?.memory.deallocate() } }
    let context = KernelContext(
      node: node, opset: shapes.opset,
      inputs: inputs.map { input in
        input.map {
          .init(
            declaredType: $0.operand.type, type: $0.operand.type, shape: $0.operand.shape,
            contents: UnsafeRawBufferPointer($0.memory))
        }
      },
      outputs: outputs.map { output in
        output.map { .init(declaredType: $0.operand.type, type: $0.operand.type, shape: $0.operand.shape) }
      })
    try run(
      operation.makeKernel(context), inputs.map { $0?.memory.baseAddress }, outputs.map { $0?.memory.baseAddress })
    for (id, output) in zip(node.outputs, outputs) {
      guard let id, let output else { continue }
      set(Self.read(output.operand, output.memory), id)
    }
  }

  private func run(
    _ kernel: Kernel, _ inputs: [UnsafeMutableRawPointer?], _ outputs: [UnsafeMutableRawPointer?]
  ) throws {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(64, kernel.scratchBytes), alignment: 64)
    defer { scratch.deallocate() }
    try inputs.withUnsafeBufferPointer { inputs in
      try outputs.withUnsafeBufferPointer { outputs in
        try kernel.body(
          KernelArguments(
            inputs: try #require(inputs.baseAddress), outputs: try #require(outputs.baseAddress), scratch: scratch,
            workers: workers))
      }
    }
  }

  /// Filled with what no kernel may rely on.
  private static func memory(_ operand: Operand) -> UnsafeMutableRawBufferPointer {
    let width = operand.type.byteWidth ?? 1
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, operand.values.count) * width, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0xAA)
    for (index, value) in operand.values.enumerated() {
      switch operand.type {
      case .int64: memory.storeBytes(of: Int64(value), toByteOffset: index * 8, as: Int64.self)
      case .int32: memory.storeBytes(of: Int32(value), toByteOffset: index * 4, as: Int32.self)
      case .bool: memory.storeBytes(of: UInt8(value), toByteOffset: index, as: UInt8.self)
      default: memory.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
      }
    }
    return memory
  }

  private static func read(_ operand: Operand, _ memory: UnsafeMutableRawBufferPointer) -> Operand {
    var result = operand
    for index in operand.values.indices {
      switch operand.type {
      case .int64: result.values[index] = Double(memory.load(fromByteOffset: index * 8, as: Int64.self))
      case .bool: result.values[index] = Double(memory.load(fromByteOffset: index, as: UInt8.self))
      default: result.values[index] = memory.load(fromByteOffset: index * 8, as: Double.self)
      }
    }
    return result
  }
}
