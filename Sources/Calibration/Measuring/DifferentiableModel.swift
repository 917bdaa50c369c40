import Analysis
import IR
import Runtime
import Training

/// A model as gradients are taken of it: functions are written out, and every weight of the original's analysis is an
/// initializer of its own, so that it has a gradient of its own.
struct DifferentiableModel {
  private(set) var model: Model
  /// By index into ``ModelAnalysis/weights``, the initializers that hold a weight: several where nodes that share it
  /// have been given copies, none where it stands in the body of a node or nothing is differentiated towards it.
  private(set) var initializers: [[ValueID]] = []
  private let shapes: [[Int]]

  /// - Throws: where functions cannot be written out.
  init(_ original: Model, _ analysis: ModelAnalysis) throws(TrainingError) {
    let whole: Model
    do throws(RuntimeError) {
      whole = try Self.movingConstants(of: original, analysis).inliningFunctions()
    } catch {
      throw TrainingError(error)
    }
    model = whole.unsharingVectors()
    shapes = analysis.weights.map(\.tensor.shape)
    let holders = Self.holders(in: model, of: whole)
    var claimed: Set<ValueID> = []
    for weight in analysis.weights {
      guard let use = weight.use else {
        initializers.append(holders[weight.value] ?? [])
        continue
      }
      let path = analysis.nodes[use.node].path
      guard path.steps.isEmpty else {
        initializers.append([])
        continue
      }
      let own = initializer(of: original.graph.nodes[path.index], input: use.input, claimed: &claimed)
      initializers.append(own.map { [$0] } ?? [])
    }
  }

  /// Weights of groups that stand in `Constant` nodes become initializers of the same values. Other constants stay:
  /// they are numbers of the arithmetic, which some operators have to know before the model runs.
  private static func movingConstants(of original: Model, _ analysis: ModelAnalysis) -> Model {
    var tensors: [Int: Tensor] = [:]
    for member in analysis.groups.flatMap(\.members) {
      let weight = analysis.weights[member.weight]
      guard case .constantNode(let path) = weight.place, path.steps.isEmpty, weight.tensor.dataType.isFloatingPoint
      else { continue }
      tensors[path.index] = weight.tensor
    }
    var model = original
    for (index, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let value = original.graph.nodes[index].output(0) else { continue }
      var named = tensor
      named.name = original.name(of: value)
      model.graph.initializers.append(Initializer(value: value, tensor: named))
    }
    model.graph.nodes = original.graph.nodes.indices.filter { tensors[$0] == nil }.map { original.graph.nodes[$0] }
    return model
  }

  /// For each initializer of a model those of the same model with vectors unshared that hold its numbers now.
  private static func holders(in unshared: Model, of shared: Model) -> [ValueID: [ValueID]] {
    var origins: [ValueID: ValueID] = [:]
    for initializer in shared.graph.initializers { origins[initializer.value] = initializer.value }
    var aliases: [ValueID: ValueID] = [:]
    var places: [ValueID: Int] = [:]
    for (index, node) in shared.graph.nodes.enumerated() {
      for case let output? in node.outputs { places[output] = index }
      guard node.opType == "Identity", node.canonicalDomain.isEmpty, let output = node.output(0) else { continue }
      aliases[output] = node.input(0)
    }
    let stored = Set(unshared.graph.initializers.map(\.value))
    for node in unshared.graph.nodes {
      guard let place = node.firstOutput.flatMap({ places[$0] }) else { continue }
      for (position, input) in node.inputs.enumerated() {
        guard let input, stored.contains(input), var origin = shared.graph.nodes[place].input(position) else {
          continue
        }
        while let source = aliases[origin] { origin = source }
        origins[input] = origin
      }
    }
    var holders: [ValueID: [ValueID]] = [:]
    for (holder, origin) in origins.sorted(by: { $0.key < $1.key }) { holders[origin, default: []].append(holder) }
    return holders
  }

  /// The initializer a node of the original reads at an input. What another use has been given already is copied.
  private mutating func initializer(of node: Node, input: Int, claimed: inout Set<ValueID>) -> ValueID? {
    guard let output = node.firstOutput,
      let index = model.graph.nodes.firstIndex(where: { $0.outputs.contains(output) }),
      model.graph.nodes[index].opType == node.opType, let value = model.graph.nodes[index].input(input),
      let stored = model.graph.initializers.first(where: { $0.value == value })
    else { return nil }
    guard !claimed.insert(value).inserted else { return value }
    var name = "\(model.name(of: value))@\(model.name(of: output)).\(input)"
    let taken = Set(model.valueNames)
    while taken.contains(name) { name += "'" }
    let copy = model.addValue(named: name)
    var tensor = stored.tensor
    tensor.name = name
    model.graph.initializers.append(Initializer(value: copy, tensor: tensor))
    model.graph.nodes[index].inputs = model.graph.nodes[index].inputs.map { $0 == value ? copy : $0 }
    claimed.insert(copy)
    return copy
  }

  /// Numbers found for parameters as tensors by weight, in single precision; those of copies of a weight are added up.
  /// - Parameter numbers: one list a trained parameter.
  func tensors(_ numbers: [[Double]], of parameters: Parameters) -> [Tensor?] {
    let places = places(in: parameters)
    return zip(places, shapes).map { places, shape -> Tensor? in
      guard let first = places.first else { return nil }
      var sums = numbers[first]
      for place in places.dropFirst() {
        for (index, number) in numbers[place].enumerated() { sums[index] += number }
      }
      return Self.tensor(sums, shape)
    }
  }

  /// Numbers found for weights as tensors, in single precision.
  /// - Parameter numbers: one list a weight, empty where nothing was found.
  func tensors(byWeight numbers: [[Double]]) -> [Tensor?] {
    zip(numbers, shapes).map { numbers, shape in Self.tensor(numbers, shape) }
  }

  private static func tensor(_ numbers: [Double], _ shape: [Int]) -> Tensor? {
    guard !numbers.isEmpty, numbers.count == shape.reduce(1, *) else { return nil }
    return Tensor(floats: numbers.map { Float($0) }, shape: shape)
  }

  /// By weight, the trained parameters that hold it, as indices.
  func places(in parameters: Parameters) -> [[Int]] {
    var places: [ValueID: Int] = [:]
    for (index, parameter) in parameters.trained.enumerated() { places[parameter.value] = index }
    return initializers.map { $0.compactMap { places[$0] } }
  }
}

extension Node {
  /// What tells nodes apart.
  fileprivate var firstOutput: ValueID? { outputs.lazy.compactMap { $0 }.first }
}
