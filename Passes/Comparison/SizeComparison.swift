/// Checks that the tensors of a pruned model have the sizes that what was removed leaves.
public enum SizeComparison {
  /// How much of one tensor's axis goes.
  public struct Removal: Sendable {
    let tensor: String
    let axis: Int
    let indices: [Int32]
    let isOneUseOnly: Bool

    public init(_ removal: Plan.Removal) {
      tensor = removal.tensor
      axis = removal.axis
      indices = removal.indices
      isOneUseOnly = removal.node != nil
    }

    /// An entry of a plan file's `removed`.
    public init?(_ json: JSONText) {
      guard let tensor = json["tensor"]?.string, let axis = json["axis"]?.int, let list = json["indices"]?.array
      else { return nil }
      let indices = list.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
      guard indices.count == list.count else { return nil }
      self.tensor = tensor
      self.axis = axis
      self.indices = indices
      isOneUseOnly = json["node"]?.string != nil
    }
  }

  /// One line for each tensor whose sizes are not `a`'s less what was removed.
  public static func differences(_ a: Model, _ b: Model, removals: [Removal]) -> [String] {
    let (before, after) = (TensorIndex(a).tensors, TensorIndex(b).tensors)
    var lines: [String] = []
    var expected: [String: [Int]] = [:]
    for removal in removals {
      guard let tensor = before[removal.tensor] else {
        lines.append("tensor \(removal.tensor): the plan cuts it, the original has none of that name")
        continue
      }
      let size = tensor.shape.indices.contains(removal.axis) ? tensor.shape[removal.axis] : 0
      guard removal.indices.allSatisfy({ (0..<Int32(clamping: size)).contains($0) }) else {
        lines.append("tensor \(removal.tensor): the plan cuts axis \(removal.axis) beyond its shape \(tensor.shape)")
        continue
      }
      // The other uses of a shared vector keep it whole; the cut copy has a name of its own.
      guard !removal.isOneUseOnly else { continue }
      expected[removal.tensor, default: tensor.shape][removal.axis] -= removal.indices.count
    }
    for (name, shape) in expected.sorted(by: { $0.key < $1.key }) {
      guard let found = after[name] else {
        lines.append("tensor \(name): missing")
        continue
      }
      if found.shape != shape { lines.append("tensor \(name): shape \(found.shape), expected \(shape)") }
    }
    // Integers may be sizes, which follow what was cut; one use of a shared vector may leave its name to the cut copy.
    let shared = Set(removals.filter(\.isOneUseOnly).map(\.tensor))
    for (name, tensor) in before.sorted(by: { $0.key < $1.key })
    where expected[name] == nil && !shared.contains(name) && tensor.dataType.isFloatingPoint {
      if let found = after[name], found.shape != tensor.shape || found.dataType != tensor.dataType {
        lines.append(
          "tensor \(name): \(found.dataType)\(found.shape), expected \(tensor.dataType)\(tensor.shape) as in the original"
        )
      }
    }
    return lines
  }
}
