import Kernels
import Runtime

/// Multiplies the elements of some units by a number, each element once, whatever number of units it belongs to.
struct UnitScaler {
  private let jobs: [Job]

  private enum Job {
    case slices(Int, AxisSlices, indices: [Int32])
    case elements(Int, indices: [Int])

    var parameter: Int {
      switch self {
      case .slices(let parameter, _, _), .elements(let parameter, _): parameter
      }
    }
  }

  /// - Parameter chosen: whether each unit is one of them.
  init(_ table: UnitTable, chosen: [Bool]) {
    guard chosen.contains(true) else {
      jobs = []
      return
    }
    var partsOfParameter: [Int: [UnitTable.Part]] = [:]
    for part in table.parts { partsOfParameter[part.parameter, default: []].append(part) }
    jobs = partsOfParameter.keys.sorted().compactMap { parameter in
      let parts = partsOfParameter[parameter] ?? []
      guard parts.count > 1, let first = parts.first else {
        guard let part = parts.first else { return nil }
        let indices = Self.indices(of: part, where: chosen)
        return indices.isEmpty ? nil : .slices(parameter, part.slices, indices: indices)
      }
      var marks = [Bool](repeating: false, count: first.slices.outer * first.slices.size * first.slices.inner)
      for part in parts { Self.mark(&marks, part.slices, Self.indices(of: part, where: chosen)) }
      let elements = marks.indices.filter { marks[$0] }
      return elements.isEmpty ? nil : .elements(parameter, indices: elements)
    }
  }

  private static func indices(of part: UnitTable.Part, where chosen: [Bool]) -> [Int32] {
    part.units.indices.filter { part.units[$0] >= 0 && chosen[Int(part.units[$0])] }.map { Int32($0) }
  }

  private static func mark(_ marks: inout [Bool], _ slices: AxisSlices, _ indices: [Int32]) {
    for block in 0..<slices.outer {
      for index in indices {
        let start = (block * slices.size + Int(index)) * slices.inner
        for element in start..<(start + slices.inner) { marks[element] = true }
      }
    }
  }

  /// - Parameter factor: zero writes zeros, whatever is there.
  func scale(_ parameters: Parameters, by factor: Float, workers: Workers) {
    scale(by: factor, workers: workers) { parameter in
      parameters.withValues(of: parameters.all[parameter]) { $0.baseAddress }
    }
  }

  /// - Parameter start: where what belongs to a parameter, of its shape, is; by index into ``Parameters/all``.
  func scale(by factor: Float, workers: Workers, at start: (Int) -> UnsafeMutablePointer<Float>?) {
    let pointers = jobs.map { start($0.parameter) }
    nonisolated(unsafe) let starts = pointers
    workers.forEach(jobs.count) { index in
      guard let start = starts[index] else { return }
      switch jobs[index] {
      case .slices(_, let slices, let indices):
        ChannelScaling.scale(start, slices, indices: indices, by: factor)
      case .elements(_, let elements): ChannelScaling.scale(start, elements: elements, by: factor)
      }
    }
  }
}
