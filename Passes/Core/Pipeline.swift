/// Passes in the order they run.
public struct Pipeline: Sendable {
  public var passes: [any Pass]

  public init(_ passes: [any Pass]) { self.passes = passes }

  /// Runs the passes one after the other; every one is timed and counted.
  /// - Returns: what each pass did, in order.
  @discardableResult
  public func run(_ model: inout Model, in context: Context) throws -> [PassRecord] {
    var context = context
    for pass in passes {
      try context.cancellation.check()
      let name = type(of: pass).name
      let before = ModelCounts(model)
      let start = ContinuousClock.now
      let report = try pass.run(&model, in: context)
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      let record = PassRecord(
        name: name, seconds: Double(seconds) + Double(attoseconds) / 1e18, before: before,
        after: report.isModified ? ModelCounts(model) : before, report: report)
      context.logger.debug("\(record.line)")
      if let plan = report.revisedPlan { context.earlier.revise(plan) }
      context.earlier.append(record)
    }
    return context.earlier
  }
}

/// One pass's run: what it reported, and what was measured around it.
public struct PassRecord: Sendable {
  public let name: String
  public let seconds: Double
  public let before: ModelCounts
  public let after: ModelCounts
  public internal(set) var report: PassReport

  /// The record in a line for people.
  public var line: String {
    let milliseconds = (seconds * 10_000).rounded() / 10
    var parts = ["\(name): \(milliseconds) ms"]
    parts += zip(before.named, after.named).compactMap { old, new in
      old.count == new.count ? nil : "\(old.name) \(old.count) → \(new.count)"
    }
    parts += report.statistics.map { "\($0.name) \($0.value.text())" }
    return parts.joined(separator: ", ")
  }

  public var json: JSONText {
    .object(
      [
        ("name", .string(name)), ("seconds", .double(seconds)), ("modified", .bool(report.isModified)),
        ("before", before.json), ("after", after.json),
        ("statistics", .object(report.statistics.map { ($0.name, $0.value) })),
      ] + (report.course.isEmpty ? [] : [("course", .array(report.course))]))
  }
}

extension [PassRecord] {
  /// Puts a plan in the place of the last one, so that whoever asks what went hears what did.
  fileprivate mutating func revise(_ plan: Plan) {
    guard let index = lastIndex(where: { $0.report.plan != nil }) else { return }
    self[index].report.plan = plan
  }
}

/// What can be counted of a model without analysing it.
public struct ModelCounts: Sendable, Equatable {
  /// Nodes, those of bodies included.
  public let nodes: Int
  /// Constants of all graphs.
  public let initializers: Int
  /// Bytes of these constants.
  public let bytes: Int

  public init(_ model: Model) {
    var (nodes, initializers, bytes) = (0, 0, 0)
    func count(_ graph: Graph) {
      nodes += graph.nodes.count
      initializers += graph.initializers.count
      for initializer in graph.initializers { bytes += initializer.tensor.byteCount }
      for node in graph.nodes where !node.attributes.isEmpty { for body in node.subgraphs { count(body) } }
    }
    count(model.graph)
    (self.nodes, self.initializers, self.bytes) = (nodes, initializers, bytes)
  }

  var named: [(name: String, count: Int)] {
    [("nodes", nodes), ("initializers", initializers), ("bytes", bytes)]
  }

  public var json: JSONText { .object(named.map { ($0.name, .int($0.count)) }) }
}
