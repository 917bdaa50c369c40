/// Checks that the tensors of a pruned model have the sizes that what was removed leaves.
public enum SizeComparison {
  /// One line for each tensor whose sizes are not `a`'s less what was removed.
  public static func differences(_ a: Model, _ b: Model, removals: [Plan.Removal]) -> [String] {
    let (before, after) = (TensorIndex(a).tensors, TensorIndex(b).tensors)
    var lines: [String] = []
    var expected: [String: [Int]] = [:]
    for removal in removals {
      guard let tensor = before[removal.tensor] else {
        lines.append("tensor \(removal.tensor): the plan cuts it, the original has none of that name")
        continue
      }
      guard tensor.shape.indices.contains(removal.axis),
        removal.indices.allSatisfy({ (0..<Int32(clamping: tensor.shape[removal.axis])).contains($0) })
      else {
        lines.append("tensor \(removal.tensor): the plan cuts axis \(removal.axis) beyond its shape \(tensor.shape)")
        continue
      }
      // The other uses of a shared vector keep it whole; the cut copy has a name of its own.
      guard removal.node == nil else { continue }
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
    let shared = Set(removals.filter { $0.node != nil }.map(\.tensor))
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
