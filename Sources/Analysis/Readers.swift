import IR
import Operators

/// Which inputs of which nodes read a constant.
struct Readers {
  private let walk: GraphWalk
  private let facts: [Facts]
  private var direct: [ValueID: [AxisContext.VectorUse]] = [:]

  init(_ walk: GraphWalk, facts: [Facts]) {
    self.walk = walk
    self.facts = facts
    for (node, visit) in walk.visits.enumerated() {
      for (input, value) in visit.node.inputs.enumerated() {
        if let value { direct[value, default: []].append(.init(node: node, input: input)) }
      }
    }
  }

  /// Who reads a value, in order of the nodes.
  func of(_ value: ValueID) -> [AxisContext.VectorUse] { follow(direct[value] ?? []) }

  /// One reader and, where it only makes another constant, who reads that.
  func from(_ use: AxisContext.VectorUse) -> [AxisContext.VectorUse] { follow([use]) }

  private func follow(_ uses: [AxisContext.VectorUse]) -> [AxisContext.VectorUse] {
    var seen = Set(uses)
    var pending = uses
    while let use = pending.popLast() {
      for case let output? in walk.visits[use.node].node.outputs where facts[output.index].isConstant {
        for next in direct[output] ?? [] where seen.insert(next).inserted { pending.append(next) }
      }
    }
    return seen.count == uses.count ? uses : seen.sorted { ($0.node, $0.input) < ($1.node, $1.input) }
  }
}
