import IR

/// Builds small models from text, so that a test shows its graph beside what it expects of it:
///
///     x: float[1, 3, 8, 8]
///     c = Conv(x, w[8, 3, 3, 3], b[8]) { pads: [1, 1, 1, 1] }
///     y = Reshape(c, shape<1, -1>)
///     return y
///
/// `w[8, 3, 3, 3]` declares a float initializer, filled from its name; `shape<1, -1>` an `int64` vector. `w[8]+` has
/// numbers from 0.5 to 1.5, and `!w[8]` stands in a `Constant` node. Sizes of inputs may be names. A statement ends with
/// its line.
public struct GraphText {
  public struct Mistake: Error, CustomStringConvertible {
    public let description: String
  }

  private var text: [Character]
  private var position = 0
  private var model = Model(
    irVersion: 8,
    opsetImports: [OpsetImport(domain: "", version: 17), OpsetImport(domain: "com.microsoft", version: 1)])
  private var values: [String: ValueID] = [:]
  private var scalesWeights = false

  /// - Parameter scalesWeights: divides weights of several axes by the root of what they sum over, so that deep networks
  ///   neither fade nor blow up.
  public static func model(_ text: String, opset: Int64 = 17, scalesWeights: Bool = false) throws -> Model {
    var builder = GraphText(text: Array(text))
    builder.scalesWeights = scalesWeights
    builder.model.opsetImports[0].version = opset
    for line in text.split(separator: "\n") where !line.allSatisfy(\.isWhitespace) {
      builder.text = Array(line)
      builder.position = 0
      try builder.statement()
    }
    return builder.model
  }

  // MARK: Statements

  private mutating func statement() throws {
    let first = try name()
    if first == "return" {
      repeat {
        model.graph.outputs.append(ValueInfo(value: try reference(try name()), type: nil))
      } while accept(",")
      return
    }
    if accept(":") {
      let type = try name()
      let shape = try list("[", "]") { builder -> DeclaredSize in
        if let number = builder.integer() { return DeclaredSize(.known(number)) }
        return DeclaredSize(.symbol(try builder.name()))
      }
      let element: DataType = type == "int64" ? .int64 : type == "bool" ? .bool : .float
      let tensor = TensorType(elementType: element.rawValue, shape: shape)
      model.graph.inputs.append(ValueInfo(value: define(first), type: ValueType(tensor: tensor)))
      return
    }
    var outputs = [define(first)]
    while accept(",") { outputs.append(define(try name())) }
    try expect("=")
    var operation = try name()
    var domain: String?
    if accept(":") {
      domain = operation
      operation = try name()
    }
    let inputs = try list("(", ")") { builder in try builder.operand() }
    var node = Node(
      inputs: inputs, outputs: outputs, name: first, opType: operation,
      domain: domain.map { $0 == "ms" ? "com.microsoft" : $0 })
    if peek() == "{" {
      for (name, value) in try list("{", "}", element: { builder in try builder.attribute() }) {
        node.setAttribute(name, value)
      }
    }
    model.graph.nodes.append(node)
  }

  private mutating func operand() throws -> ValueID? {
    if accept("_") { return nil }
    let isNode = accept("!")
    let name = try name()
    if peek() == "[" {
      let shape = try list("[", "]") { builder in Int(try builder.requiredInteger()) }
      return weight(name, shape, isPositive: accept("+"), isNode: isNode)
    }
    if peek() == "<" {
      let numbers = try list("<", ">") { builder in try builder.requiredInteger() }
      let value = define(name)
      model.graph.initializers.append(Initializer(value: value, tensor: Tensor(name: name, int64s: numbers)))
      return value
    }
    return try reference(name)
  }

  private mutating func attribute() throws -> (String, AttributeValue) {
    let name = try name()
    try expect(":")
    if peek() == "[" { return (name, .ints(try list("[", "]") { builder in try builder.requiredInteger() })) }
    if let number = integer() {
      guard accept(".") else { return (name, .int(number)) }
      return (name, .float(Float("\(number).\(integer() ?? 0)") ?? 0))
    }
    try expect("\"")
    var string = ""
    while position < text.count, text[position] != "\"" {
      string.append(text[position])
      position += 1
    }
    try expect("\"")
    return (name, .string(Array(string.utf8)))
  }

  // MARK: Values

  private mutating func define(_ name: String) -> ValueID {
    let value = model.addValue(named: name)
    values[name] = value
    return value
  }

  private func reference(_ name: String) throws -> ValueID {
    guard let value = values[name] else { throw Mistake(description: "\(name) is not defined") }
    return value
  }

  private mutating func weight(_ name: String, _ shape: [Int], isPositive: Bool, isNode: Bool) -> ValueID {
    let value = define(name)
    var state = name.utf8.reduce(UInt64(1_469_598_103_934_665_603)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    let scale = scalesWeights && shape.count > 1 ? 2 / Float(max(1, shape[1...].reduce(1, *))).squareRoot() : 1
    let numbers = (0..<shape.reduce(1, *)).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
      return isPositive ? 1 + number / 2 : number * scale
    }
    let region = numbers.withUnsafeBytes { ByteRegion(copying: $0) }
    let tensor = Tensor(name: name, dataType: .float, shape: shape, storage: .bytes(region))
    guard isNode else {
      model.graph.initializers.append(Initializer(value: value, tensor: tensor))
      return value
    }
    let payload = Attribute(name: "value", value: .tensor(tensor))
    model.graph.nodes.append(
      Node(inputs: [], outputs: [value], name: name, opType: "Constant", attributes: [payload]))
    return value
  }

  // MARK: Characters

  private mutating func skipSpace() { while position < text.count, text[position].isWhitespace { position += 1 } }

  private mutating func peek() -> Character? {
    skipSpace()
    return position < text.count ? text[position] : nil
  }

  private mutating func accept(_ character: Character) -> Bool {
    guard peek() == character else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Character) throws {
    guard accept(character) else {
      throw Mistake(description: "expected \(character) at column \(position + 1) of: \(String(text))")
    }
  }

  private mutating func name() throws -> String {
    skipSpace()
    let start = position
    while position < text.count, text[position].isLetter || text[position].isNumber || "_./".contains(text[position]) {
      position += 1
    }
    guard position > start else {
      throw Mistake(description: "expected a name at column \(position + 1) of: \(String(text))")
    }
    return String(text[start..<position])
  }

  private mutating func integer() -> Int64? {
    skipSpace()
    let start = position
    if position < text.count, text[position] == "-" { position += 1 }
    while position < text.count, text[position].isNumber { position += 1 }
    guard let number = Int64(String(text[start..<position])) else {
      position = start
      return nil
    }
    return number
  }

  private mutating func requiredInteger() throws -> Int64 {
    guard let number = integer() else {
      throw Mistake(description: "expected a number at column \(position + 1) of: \(String(text))")
    }
    return number
  }

  private mutating func list<Element>(
    _ open: Character, _ close: Character, element: (inout GraphText) throws -> Element
  ) throws -> [Element] {
    try expect(open)
    var elements: [Element] = []
    while !accept(close) {
      elements.append(try element(&self))
      _ = accept(",")
    }
    return elements
  }
}
