import Runtime

/// Types and shapes to run a model with. Where it leaves a size open, a usual one is taken.
public struct InputSizes: Sendable {
  public struct Input: Sendable {
    public let name: String
    public let type: DataType
    public let shape: [Int]
    /// Whether the first axis may hold any number of samples: neither model nor user fix it.
    public let isBatchOpen: Bool
  }

  /// What is taken for sizes nobody gives, beside one sample and three colours.
  public struct Usual: Sendable {
    /// Height and width of pictures.
    let pixels: Int
    /// Of everything else, such as tokens.
    let others: Int

    /// Enough to tell models apart.
    public static let small = Usual(pixels: 64, others: 16)
    /// What models are run on.
    public static let large = Usual(pixels: 224, others: 128)
  }

  /// The inputs to be given: those no initializer stands in for.
  public let inputs: [Input]
  /// Inputs with sizes nobody gave, as they were taken, such as `image=1x3x64x64`.
  public let assumed: [String]
  /// Bytes of all inputs.
  public let byteCount: Int
  /// Samples at once.
  public let batch: Int

  /// An input as the model declares it, with as many unknown sizes as the user gives where it declares none.
  private struct Declaration {
    let name: String
    let type: DataType
    let sizes: [DeclaredSize]
    let given: [Int]?
  }

  /// - Parameters:
  ///   - shapes: what the user says of inputs.
  ///   - batch: samples at once, along the first axes that are open; one where it is left out.
  /// - Throws: where an input is no tensor of a declared type and rank, shapes or batch contradict the model, or the
  ///   machine has no memory for such inputs.
  public init(
    _ model: Model, shapes: InputShapes = .none, batch: Int? = nil, usual: Usual = .small
  ) throws(PassError) {
    do throws(InputShapeError) { try shapes.check(model) } catch { throw .usage(error.description) }
    let declarations = try Self.declarations(of: model, shapes)
    // What is given of one input holds for all of the same symbol.
    var symbols: [String: Int] = [:]
    for declaration in declarations {
      for (size, number) in zip(declaration.sizes, declaration.given ?? []) {
        if let symbol = size.symbol { symbols[symbol] = number }
      }
    }
    var inputs: [Input] = []
    var assumed: [String] = []
    for declaration in declarations {
      var isAssumed = false
      var shape = declaration.given ?? []
      for (axis, size) in declaration.sizes.enumerated().dropFirst(shape.count) {
        if let number = size.known ?? size.symbol.flatMap({ symbols[$0] }) {
          shape.append(number)
          continue
        }
        let number = axis == 0 ? batch ?? 1 : usual.size(axis: axis, of: declaration.sizes)
        if let symbol = size.symbol { symbols[symbol] = number }
        isAssumed = isAssumed || axis > 0
        shape.append(number)
      }
      let isOpen = declaration.given == nil && declaration.sizes.first.map { $0.known == nil } ?? false
      inputs.append(Input(name: declaration.name, type: declaration.type, shape: shape, isBatchOpen: isOpen))
      if isAssumed { assumed.append("\(declaration.name)=\(shape.map(String.init).joined(separator: "x"))") }
    }
    if let batch { try Self.check(batch, inputs) }
    byteCount = try Self.byteCount(inputs, isAsked: batch != nil || shapes != InputShapes.none)
    self.batch = batch ?? inputs.first { !$0.shape.isEmpty }?.shape[0] ?? 1
    self.inputs = inputs
    self.assumed = assumed
  }

  /// By input name, as the runtime takes them.
  public var types: [String: (type: DataType, shape: [Int])] {
    var types: [String: (type: DataType, shape: [Int])] = [:]
    for input in inputs { types[input.name] = (input.type, input.shape) }
    return types
  }

  private static func declarations(of model: Model, _ shapes: InputShapes) throws(PassError) -> [Declaration] {
    let constants = Set(model.graph.initializers.map(\.value))
    var declarations: [Declaration] = []
    for info in model.graph.inputs where !constants.contains(info.value) {
      let name = model.name(of: info.value)
      guard let tensor = info.type?.tensor, let type = tensor.elementType.flatMap(DataType.init(rawValue:)) else {
        throw .other("input \(name) is no tensor of a known type")
      }
      let given = shapes.sizes(of: name)
      guard
        let sizes = tensor.shape ?? given.map({ [DeclaredSize](repeating: DeclaredSize(.unknown), count: $0.count) })
      else { throw .other("input \(name) declares no shape; give --input-shape \(name)=…") }
      declarations.append(Declaration(name: name, type: type, sizes: sizes, given: given))
    }
    return declarations
  }

  /// Refuses a batch the inputs do not follow.
  private static func check(_ batch: Int, _ inputs: [Input]) throws(PassError) {
    guard let first = inputs.first(where: { !$0.shape.isEmpty }) else {
      throw .usage("no input has an axis of samples; leave --batch out")
    }
    guard first.shape[0] != batch, !inputs.contains(where: { $0.isBatchOpen && $0.shape[0] == batch }) else { return }
    throw .usage("the batch is fixed at \(first.shape[0]) by input \(first.name), not \(batch); leave --batch out")
  }

  /// - Parameter isAsked: whether sizes are the user's, and not the model's alone.
  private static func byteCount(_ inputs: [Input], isAsked: Bool) throws(PassError) -> Int {
    var total = 0
    for input in inputs {
      // Strings take memory of their own, but their number counts.
      var bytes = max(1, (input.type.bitWidth ?? 8) / 8)
      var overflows = false
      for size in input.shape where !overflows {
        (bytes, overflows) = bytes.multipliedReportingOverflow(by: size)
      }
      if !overflows { (total, overflows) = total.addingReportingOverflow(bytes) }
      guard !overflows, total <= MachineMemory.byteCount else {
        let problem = "input \(input.name) of shape \(input.shape) takes more memory than this machine has"
        throw isAsked ? PassError.usage("\(problem); use a smaller batch or shape") : .other(problem)
      }
    }
    return total
  }
}

extension InputSizes.Usual {
  fileprivate func size(axis: Int, of sizes: [DeclaredSize]) -> Int {
    guard sizes.count >= 4 else { return others }
    guard axis == 1 else { return pixels }
    // Colours come second, unless they come last.
    if let last = sizes.last?.known, last <= 4 { return pixels }
    return 3
  }
}

extension DeclaredSize {
  /// The number a model declares; `nil` where it leaves it open.
  fileprivate var known: Int? {
    if case .known(let number) = extent, number >= 0 { Int(clamping: number) } else { nil }
  }

  /// The name sizes share; `nil` where there is none.
  fileprivate var symbol: String? {
    if case .symbol(let name) = extent, !name.isEmpty { name } else { nil }
  }
}
