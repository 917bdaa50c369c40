import Dimensions
import Glibc
import IR
import Operators

/// A model's graph as fusion rules see it: who makes a value and how often it is read, constants by their numbers.
struct FusionGraph {
  private(set) var model: Model
  private var producers: [ValueID: Int] = [:]
  private var uses: [ValueID: Int] = [:]
  private var initializers: [ValueID: Int] = [:]
  private var removed: Set<Int> = []
  private var replacements: [Int: Node] = [:]

  private let facts: [Facts]
  private let kept: [ValueID]
  private let trained: Set<ValueID>

  init(_ model: Model, facts: [Facts], keeping kept: [ValueID], trained: Set<ValueID>) {
    self.model = model
    self.facts = facts
    self.kept = kept
    self.trained = trained
    for (index, node) in model.graph.nodes.enumerated() {
      for case let output? in node.outputs { producers[output] = index }
      for case let input? in node.inputs { uses[input, default: 0] += 1 }
      for body in node.subgraphs {
        for value in body.referencedValues() { uses[value, default: 0] += 2 }
      }
    }
    for output in kept + model.graph.outputs.map(\.value) { uses[output, default: 0] += 2 }
    for (index, initializer) in model.graph.initializers.enumerated() { initializers[initializer.value] = index }
  }

  /// A node that is still there.
  func node(_ index: Int) -> Node? {
    removed.contains(index) ? nil : replacements[index] ?? model.graph.nodes[index]
  }

  func isOperator(_ node: Node, _ names: String...) -> Bool {
    node.canonicalDomain.isEmpty && names.contains(node.opType)
  }

  func producer(of value: ValueID?) -> Int? {
    guard let value, let index = producers[value], !removed.contains(index) else { return nil }
    return index
  }

  /// The node that makes a value nothing else reads.
  func onlyProducer(of value: ValueID?, _ names: String...) -> (index: Int, node: Node)? {
    guard let value, uses[value] == 1, let index = producer(of: value), let node = node(index),
      node.canonicalDomain.isEmpty, names.contains(node.opType)
    else { return nil }
    return (index, node)
  }

  func isReadOnce(_ value: ValueID?) -> Bool { value.map { uses[$0] == 1 } ?? false }

  /// Whether two values have one shape whatever the sizes of the inputs are.
  func haveSameShape(_ a: ValueID, _ b: ValueID) -> Bool {
    guard a.index < facts.count, b.index < facts.count, let shape = facts[a.index].shape else { return false }
    return shape == facts[b.index].shape
  }

  func isFloatingPoint(_ value: ValueID?) -> Bool {
    guard let value, value.index < facts.count else { return false }
    return facts[value.index].type?.isFloatingPoint ?? false
  }

  /// The sizes of a value of the model as it was; `nil` where its rank is not known.
  func shape(_ value: ValueID?) -> [Size]? {
    guard let value, value.index < facts.count else { return nil }
    return facts[value.index].shape
  }

  /// The one number a value is known to hold, whether it is stored or follows from sizes, as √width does.
  /// - Parameter depth: how many nodes are looked through; each may have two inputs. The longest spelling that
  ///   exporters write is √(1 / √(a cast size)).
  func knownNumber(_ value: ValueID?, depth: Int = 6) -> Double? {
    guard let value, value.index < facts.count else { return nil }
    guard isFloatingPoint(value) else {
      return facts[value.index].contents.flatMap { $0.count == 1 ? $0[0].double : nil }
    }
    if let number = number(value) { return Double(number) }
    guard depth > 0, let index = producer(of: value), let node = node(index) else { return nil }
    func operand(_ input: Int) -> Double? { knownNumber(node.input(input), depth: depth - 1) }
    if isOperator(node, "Cast") { return operand(0) }
    if isOperator(node, "Sqrt") { return operand(0)?.squareRoot() }
    guard isOperator(node, "Pow", "Div"), let first = operand(0), let second = operand(1) else { return nil }
    return node.opType == "Pow" ? pow(first, second) : first / second
  }

  func useCount(_ value: ValueID) -> Int { uses[value] ?? 0 }

  func initializer(_ value: ValueID?) -> Tensor? {
    value.flatMap { initializers[$0] }.map { model.graph.initializers[$0].tensor }
  }

  /// A constant: an initializer, or what a `Constant` node holds.
  func constant(_ value: ValueID?) -> Tensor? {
    if let tensor = initializer(value) { return tensor }
    guard let index = producer(of: value), let node = node(index), isOperator(node, "Constant") else { return nil }
    if case .tensor(let tensor) = node.attribute("value") { return tensor }
    return nil
  }

  /// The numbers of a floating-point constant.
  func floats(_ value: ValueID?) -> [Float]? {
    guard let tensor = constant(value), [.float, .float16, .bfloat16].contains(tensor.dataType),
      let stored = try? RuntimeValue(tensor, precision: .single)
    else { return nil }
    let numbers = UnsafeBufferPointer(
      start: stored.buffer.start.assumingMemoryBound(to: Float.self), count: stored.count)
    return withExtendedLifetime(stored.buffer) { Array(numbers) }
  }

  /// The one number a constant holds; `nil` for weights that training changes.
  func number(_ value: ValueID?) -> Float? {
    guard let value, !trained.contains(value), let tensor = constant(value), tensor.elementCount == 1 else {
      return nil
    }
    return floats(value)?.first
  }

  /// The two inputs of a commutative node, the constant number apart from the other.
  func operandAndNumber(_ node: Node) -> (operand: ValueID, number: Float)? {
    for (first, second) in [(0, 1), (1, 0)] {
      if let operand = node.input(first), let number = number(node.input(second)) { return (operand, number) }
    }
    return nil
  }

  mutating func replace(_ index: Int, with node: Node, removing others: [Int]) {
    for other in others { removed.insert(other) }
    replacements[index] = node
    // How often a value is used stays as it was counted, which is only ever too high.
    for case let output? in node.outputs { producers[output] = index }
  }

  mutating func addInitializer(_ name: String, _ floats: [Float], shape: [Int]) -> ValueID {
    let value = model.addValue(named: "\(name)/\(model.valueNames.count)")
    let region = floats.withUnsafeBytes { ByteRegion(copying: $0) }
    model.graph.initializers.append(
      Initializer(value: value, tensor: Tensor(dataType: .float, shape: shape, storage: .bytes(region))))
    initializers[value] = model.graph.initializers.count - 1
    return value
  }

  /// The model with all replacements made, and without the constants that only replaced nodes read.
  func finished() -> Model {
    var model = model
    model.graph.nodes = model.graph.nodes.indices.compactMap { node($0) }
    let read = model.graph.referencedValues().union(kept)
    let dropped = Set(initializers.keys.filter { uses[$0] != nil && !read.contains($0) })
    model.graph.initializers.removeAll { dropped.contains($0.value) }
    // Older files list their weights as inputs too.
    model.graph.inputs.removeAll { dropped.contains($0.value) }
    for domain in [OperatorName.ownDomain, "com.microsoft"] {
      if !model.opsetImports.contains(where: { $0.domain == domain }) {
        model.opsetImports.append(OpsetImport(domain: domain, version: 1))
      }
    }
    return model
  }
}
