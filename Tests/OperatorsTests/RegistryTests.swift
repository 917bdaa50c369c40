import Operators
import Testing

@Suite("Operator registry")
struct RegistryTests {
  @Test("no name is registered twice")
  func uniqueNames() {
    let names = OperatorRegistry.operators.flatMap(\.names)
    let twice = Dictionary(grouping: names) { $0 }.filter { $1.count > 1 }.keys.map(\.type).sorted()
    #expect(twice == [])
    #expect(OperatorRegistry.standard.names.count == names.count)
  }
}
