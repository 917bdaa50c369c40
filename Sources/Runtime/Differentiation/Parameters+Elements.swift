import IR
import Operators

extension Parameters {
  /// The elements of a parameter in double precision, which holds them exactly whatever precision they are kept in.
  public func elements(of parameter: Parameter) -> [Double] {
    guard let value = variables[parameter.value] else { return [] }
    let start = value.buffer.start
    if value.type == .double {
      return Array(UnsafeBufferPointer(start: start.assumingMemoryBound(to: Double.self), count: value.count))
    }
    return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: value.count).map { Double($0) }
  }

  /// Writes the elements of a parameter, each rounded to the precision it is kept in.
  /// - Precondition: there are as many as the parameter has.
  public func set(_ elements: [Double], of parameter: Parameter) {
    guard let value = variables[parameter.value] else { return }
    precondition(elements.count == value.count, "\(elements.count) numbers for \(value.count) elements")
    let start = value.buffer.start
    if value.type == .double {
      let target = start.assumingMemoryBound(to: Double.self)
      for (index, element) in elements.enumerated() { target[index] = element }
    } else {
      let target = start.assumingMemoryBound(to: Float.self)
      for (index, element) in elements.enumerated() { target[index] = Float(element) }
    }
  }
}
