import Coppice
import Testing

@Suite("Schema")
struct ConfigSchemaTests {
  @Test("the schema knows every pass and every option")
  func complete() {
    let schema = ConfigSchema.json().text()
    for pass in PassRegistry.standard.passes {
      #expect(schema.contains("\"\(pass.name)\""))
      for option in pass.options { #expect(schema.contains("\"\(option.name)\"")) }
    }
  }
}
